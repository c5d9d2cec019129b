-- Closes the open part of a log that has grown: its records move into a chunk that nobody appends to, with an expiry of
-- its own, so that what is old goes without anything being rewritten.
--
-- KEYS[1] state of all logs, KEYS[2] the log, KEYS[3] the chunk
-- ARGV[1] generation, ARGV[2] head of the log, which is known to be whole, ARGV[3] bytes of a record, ARGV[4] least
--         records, ARGV[5] seconds
-- Answers 1 if it was closed by this call.

local call, pack, unpack = redis.call, struct.pack, struct.unpack
if call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
if call('GETRANGE', KEYS[2], 0, 19) ~= ARGV[2] then return 0 end
local flags, before = unpack('<I4I4', ARGV[2], 9)
local chunks = math.floor(flags / 256)
local records = math.floor((call('STRLEN', KEYS[2]) - 20) / tonumber(ARGV[3]))
if records < tonumber(ARGV[4]) then return 0 end
call('RENAME', KEYS[2], KEYS[3])
call('EXPIRE', KEYS[3], tonumber(ARGV[5]))
local head = ARGV[1] .. pack('<I4I4I4', 1 + 256 * (chunks + 1), before + records, call('TIME')[1])
call('SET', KEYS[2], head, 'EX', tonumber(ARGV[5]))
return 1
