-- Adds history to logs that are not whole, and makes those whole that get the end of it.
--
-- KEYS[1] state of all logs, KEYS[2...] logs
-- ARGV[1] generation
-- ARGV[2] proof that nothing that was being decided when the history was read can be missing: "epoch evictions"; without
--         it a log that is not there stays away, because the record of who asks for it was in it
-- ARGV[3...] for each log seconds after which it goes (4 bytes), 1 if this is the end of its history (1 byte), records
--
-- Answers "cold" for another generation, else how many logs it made whole.

local call, sub, pack = redis.call, string.sub, struct.pack
local state = call('HMGET', KEYS[1], 'generation', 'epoch')
if state[1] ~= ARGV[1] then return 'cold' end

local seconds_now = call('TIME')[1]
local proof = state[2] .. ' ' .. string.match(call('INFO', 'stats'), 'evicted_keys:(%d+)')
local made = 0
for i = 2, #KEYS do
  local key, argument = KEYS[i], ARGV[i + 1]
  local seconds, last = struct.unpack('<I4B', argument)
  local records = sub(argument, 6)
  local head = redis.pcall('GETRANGE', key, 0, 8)
  if type(head) ~= 'table' and sub(head, 1, 8) ~= ARGV[1] then
    if proof == ARGV[2] then
      -- As of the second before: it is whole with the sweep that begins it, also if that ends in this second.
      call('SET', key, ARGV[1] .. pack('<I4I4I4', last, 0, seconds_now - 1) .. records, 'EX', seconds)
      made = made + last
    end
  elseif type(head) ~= 'table' and string.byte(head, 9) == 0 then
    if records ~= '' then call('APPEND', key, records) end
    if last == 1 then call('SETRANGE', key, 8, '\1') end
    made = made + last
  end
end
return made
