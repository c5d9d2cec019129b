-- Looks at some keys at random: whose logs they are and what they take. Logs of some crowded tenants go, or are told to.
--
-- KEYS[1] state of all logs
-- ARGV[1] generation, ARGV[2] how many, ARGV[3] tags of the tenants whose logs are to go unless they are used
-- Answers "cold" for another generation, else for each key the tag, "" if it is no log, and its bytes. Chunks whose log is
-- gone are of no use to anybody, and deleted. What has expired and is still there goes by being met.

local call, sub = redis.call, string.sub
local state = call('HMGET', KEYS[1], 'generation', 'over')
if state[1] ~= ARGV[1] then return 'cold' end
local over, draining, found, time = state[2] or '', {}, {}, tonumber(call('TIME')[1])
for at = 1, #ARGV[3], 3 do
  local tag = sub(ARGV[3], at, at + 2)
  local now, _, early = share_of(over, 'e:' .. tag)
  if now == CROWDED then draining[tag] = early end
end

-- Every check that uses a log appends to it. So one with a single record was used when it began, and goes at once if that
-- was long enough ago; when another was used last nobody knows, and it is told to go unless it is used.
local HEAD, LEAST_RECORD = 20, 24
local function let_go(key, early)
  local head = redis.pcall('GETRANGE', key, 0, HEAD - 1)
  if type(head) ~= 'string' or #head < HEAD then return end
  local flags, _, began = struct.unpack('<I4I4I4', head, 9)
  local single = flags < 256 and call('STRLEN', key) < HEAD + 2 * LEAST_RECORD
  if single and began + early < time then
    call('UNLINK', key)
  elseif call('TTL', key) > early then
    call('EXPIRE', key, early)
  end
end

for _ = 1, tonumber(ARGV[2]) do
  local key = call('RANDOMKEY')
  if not key then break end
  local tag = #key >= 18 and sub(key, 1, 2) == 'e:' and sub(key, 3, 5) or ''
  if tag ~= '' and #key > 18 and call('EXISTS', sub(key, 1, 18)) == 0 then
    call('UNLINK', key)
  else
    found[#found + 1] = tag
    found[#found + 1] = call('MEMORY', 'USAGE', key) or 0
    if #key == 18 and draining[tag] then let_go(key, draining[tag]) end
  end
end
return found
