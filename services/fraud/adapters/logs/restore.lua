-- Adds history to logs that are not whole, and makes those whole that get the end of it.
--
-- KEYS[1] state of all logs, KEYS[2...] logs
-- ARGV[1] generation
-- ARGV[2] proof that nothing that was being decided when the history was read can be missing: "epoch evictions"; without
--         it a log that is not there stays away, because the record of who asks for it was in it
-- ARGV[3] one after another for each log seconds after which it goes (4 bytes), 1 if this is the end of its history
--         (1 byte), the head of the record that the log began with when its history was asked for, or zeros (24 bytes),
--         bytes of its records (4 bytes), records
--
-- Answers "cold" for another generation, else how many logs it made whole.

local call, sub, pack = redis.call, string.sub, struct.pack
local state = call('HMGET', KEYS[1], 'generation', 'epoch', 'over')
if state[1] ~= ARGV[1] then return 'cold' end

local seconds_now, over, nothing = call('TIME')[1], state[3], string.rep('\0', 24)
local proof = state[2] .. ' ' .. string.match(call('INFO', 'stats'), 'evicted_keys:(%d+)')
local swept, proven, made = ARGV[2] ~= '', proof == ARGV[2], 0

local function add(key, seconds, last, first, records)
  local closed = over and swept and (share_of(over, key) or OPEN) ~= OPEN
  local head = redis.pcall('GETRANGE', key, 0, 43)
  if type(head) == 'table' or closed then return 0 end
  if sub(head, 1, 8) ~= ARGV[1] then
    if not proven or records == '' then return 0 end
    -- As of the second before: it is whole with the sweep that begins it, also if that ends in this second.
    call('SET', key, ARGV[1] .. pack('<I4I4I4', last, 0, seconds_now - 1) .. records, 'EX', seconds)
    return last
  end
  -- What a sweep has put there stays, whatever the log was told before.
  if swept then call('EXPIRE', key, seconds) end
  -- One that has gone and begun anew may hold what the history did not have yet.
  if string.byte(head, 9) ~= 0 or (first ~= nothing and first ~= sub(head, 21, 44)) then return 0 end
  if records ~= '' then call('APPEND', key, records) end
  if last == 1 then call('SETRANGE', key, 8, '\1') end
  return last
end

local history, at = ARGV[3], 1
for i = 2, #KEYS do
  local seconds, last, first, bytes
  seconds, last, first, bytes, at = struct.unpack('<I4Bc24I4', history, at)
  made = made + add(KEYS[i], seconds, last, first, sub(history, at, at + bytes - 1))
  at = at + bytes
end
return made
