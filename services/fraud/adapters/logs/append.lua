-- Appends records to entity logs and returns what their callers have not seen of them, in one atomic step.
--
-- A log is a string: its head (generation, 8 bytes; whole or not, 1 byte; number of sealed chunks, 3 bytes; records in
-- them, 4 bytes; when the last was sealed or the log began, 4 bytes), then records of one size. The text of this script begins with the generation that it serves, so that
-- a server that was restarted, and may have lost anything, does not know it.
--
-- KEYS[1] state of all logs, KEYS[2] reservations of the calling process, KEYS[3...] logs, one for each write
-- ARGV[1] generation
-- ARGV[2] name of the batch among the reservations
-- ARGV[3] what it reserves
-- ARGV[4] proof under which a log that is not there was never written: "epoch evictions"
-- ARGV[5] the writes, one after another: offset to read from (0: nothing is known), bytes of a record, bytes of all
--         records, seconds after which the log goes, flags (1: whole if it is not there, 2: records get the time of
--         arrival, 4: the expiry is set anew), then the records
-- ARGV[6] how many checks the batch has, none if it is not there
-- ARGV[7] the turn of what the caller knows of shares (see shares.lua)
--
-- Answers "cold" for another generation, else milliseconds of arrival, the proof as it is now or "", then for each
-- write what is there from its offset on, before its own records: "more" if that is more than is read at once, "sealed"
-- if the offset is in a chunk by now. 1 is a log that begins with this write, whole; "" one that begins and may not be;
-- 0 a key that holds something else. At the end where the batch stands in the order of arrival, and "turn over" if that is
-- not what the caller knows, else "".

-- Bytes that are read of one log, and of all logs of a call: more is loaded in slices, by whoever needs it.
local MOST, MOST_OF_ALL = 65536, 262144
local call, sub, unpack, pack = redis.call, string.sub, struct.unpack, struct.pack

local generation = ARGV[1]
local state = call('HMGET', KEYS[1], 'generation', 'epoch', 'order', 'over', 'turn')
if state[1] ~= generation then return 'cold' end

local time = call('TIME')
local arrival = time[1] * 1000 + math.floor(time[2] / 1000)
local stamp = pack('<i8', arrival)

-- Microseconds since 1970, but never less than what was given out: a place for each check, whatever the clock does.
local order, checks = math.max(tonumber(state[3]) or 0, time[1] * 1000000 + time[2]), tonumber(ARGV[6]) or 0
if checks > 0 then call('HSET', KEYS[1], 'order', string.format('%.0f', order + checks)) end
call('HSET', KEYS[2], ARGV[2], pack('<i8', order) .. ARGV[3])

local function stamped(records, size)
  if #records == size then return stamp .. sub(records, 9) end
  local parts = {}
  for at = 1, #records, size do parts[#parts + 1] = stamp .. sub(records, at + 8, at + size - 1) end
  return table.concat(parts)
end

-- Evictions are asked for only if a log is not there: it may be because of them.
local proof
local function proved()
  if not proof then
    proof = state[2] .. ' ' .. string.match(call('INFO', 'stats'), 'evicted_keys:(%d+)')
  end
  return proof == ARGV[4]
end

-- Of a tenant that has, or had, more than its share: for how long its log stays, whether that is told anew, and flags: a log
-- that begins may not be whole. Whoever has not heard of it cannot do wrong.
local over, turn = state[4], state[5] or '0'
local function shared(key, seconds, refresh, flags)
  local now, changed, early, last = share_of(over, key)
  if not now then return seconds, refresh, flags end
  if now == CROWDED then
    seconds, refresh = math.min(early, seconds), true
  elseif tonumber(time[1]) <= last and call('TTL', key) < seconds then
    refresh = true
  end
  if flags % 2 == 1 and (now ~= OPEN or changed > (tonumber(ARGV[7]) or 0)) then flags = flags - 1 end
  return seconds, refresh, flags
end

-- Returns what was there: 1 if nothing was and nothing can have been, '' if nothing was, but may have been.
local function append(key, found, from, size, seconds, flags, records)
  local refresh = flags >= 4
  if refresh then flags = flags - 4 end
  if over then seconds, refresh, flags = shared(key, seconds, refresh, flags) end
  if flags >= 2 then records, flags = stamped(records, size), flags - 2 end
  if from == 0 and sub(found, 1, 8) ~= generation then
    found = ''
  elseif from > 0 and found == '' and call('GETRANGE', key, 0, 7) == generation then
    -- Its open part was sealed meanwhile.
    found = 'sealed'
  end
  if found == '' then
    -- Of a log that was seen before and is gone, something was.
    local whole = flags == 1 and from == 0 and proved() and 1 or 0
    call('SET', key, generation .. pack('<I4I4I4', whole, 0, time[1]) .. records, 'EX', seconds)
    return whole == 1 and 1 or ''
  end
  call('APPEND', key, records)
  if refresh then call('EXPIRE', key, seconds) end
  return found
end

local answers, instructions, at, left = {arrival, ''}, ARGV[5], 1, MOST_OF_ALL
for i = 3, #KEYS do
  local key, from, size, bytes, seconds, flags = KEYS[i]
  from, size, bytes, seconds, flags, at = unpack('<I4I2I4I4B', instructions, at)
  local records = sub(instructions, at, at + bytes - 1)
  at = at + bytes
  -- At least the head, which tells that the log is there.
  local limit = math.max(20, math.min(MOST, left))
  local found = redis.pcall('GETRANGE', key, from, from + limit - 1)
  if type(found) == 'table' then
    answers[i] = 0
  else
    left = left - #found
    answers[i] = append(key, found, from, size, seconds, flags, records)
    if #found == limit then answers[i] = 'more' end
  end
end
answers[2] = proof or ''
answers[#KEYS + 1] = order
answers[#KEYS + 2] = turn ~= ARGV[7] and turn .. ' ' .. (over or '') or ''
return answers
