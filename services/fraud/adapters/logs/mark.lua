-- Changes what is known of a tenant's share of the logs (see shares.lua).
--
-- KEYS[1] state of all logs
-- ARGV[1] generation, ARGV[2] tag, ARGV[3] "crowd", "ease" or "open", ARGV[4] seconds that its logs stay while it is crowded;
--         of "open", seconds that it has been eased for at least, ARGV[5] how many tenants are known of at most
-- Answers "cold" for another generation, else 1 if it is so now.

local state = redis.call('HMGET', KEYS[1], 'generation', 'over', 'turn')
if state[1] ~= ARGV[1] then return 'cold' end
local over, turn, seconds = state[2] or '', (tonumber(state[3]) or 0) + 1, tonumber(ARGV[4])
local time = tonumber(redis.call('TIME')[1])
local at = place_of(over, ARGV[2]) or #over + 1
local now, changed, early, last, since = OPEN, 0, 0, 0, 0
if at <= #over then now, changed, early, last, since = struct.unpack('<BI4I4I4I4', over, at + 3) end

local function become(new)
  if new ~= now then now, changed, since = new, turn, time end
  local entry = ARGV[2] .. struct.pack('<BI4I4I4I4', now, changed, early, last, since)
  over = string.sub(over, 1, at - 1) .. entry .. string.sub(over, at + ENTRY)
  redis.call('HSET', KEYS[1], 'over', over)
  if changed == turn then redis.call('HSET', KEYS[1], 'turn', string.format('%.0f', turn)) end
  return 1
end

if ARGV[3] == 'crowd' then
  if at > #over and #over >= ENTRY * tonumber(ARGV[5]) then return 0 end
  if now == CROWDED then last = math.max(last, time + early) end
  early = seconds
  return become(CROWDED)
elseif ARGV[3] == 'ease' then
  if now ~= CROWDED then return 0 end
  last = math.max(last, time + early)
  return become(EASED)
elseif now ~= EASED or time < since + seconds then
  return 0
end
return become(OPEN)
