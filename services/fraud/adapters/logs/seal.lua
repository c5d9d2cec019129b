-- Closes the open part of a log that has grown: its records move into a chunk that nobody appends to, with an expiry of
-- its own, so that what is old goes without anything being rewritten.
--
-- KEYS[1] state of all logs, KEYS[2] the log, KEYS[3] the chunk
-- ARGV[1] generation, ARGV[2] number of the chunk, ARGV[3] bytes of a record, ARGV[4] least records, ARGV[5] seconds
-- Answers 1 if it was closed by this call.

local call, pack, unpack = redis.call, struct.pack, struct.unpack
if call('HGET', KEYS[1], 'generation') ~= ARGV[1] then return 0 end
local head = call('GETRANGE', KEYS[2], 0, 19)
if #head < 20 or string.sub(head, 1, 8) ~= ARGV[1] then return 0 end
local flags, before = unpack('<I4I4', head, 9)
local whole, chunks = flags % 256, math.floor(flags / 256)
local size = tonumber(ARGV[3])
local records = math.floor((call('STRLEN', KEYS[2]) - 20) / size)
if chunks ~= tonumber(ARGV[2]) or records < tonumber(ARGV[4]) then return 0 end
call('RENAME', KEYS[2], KEYS[3])
call('EXPIRE', KEYS[3], tonumber(ARGV[5]))
call('SET', KEYS[2], ARGV[1] .. pack('<I4I4I4', whole + 256 * (chunks + 1), before + records, call('TIME')[1]), 'EX', tonumber(ARGV[5]))
return 1
