-- Reserves transactions in their sliding windows and reads their features, in one atomic step.
--
-- Each subject (user, device, ip, merchant) of a transaction has up to three sorted sets, scored by event time in ms:
--   <subject>:e  one member a transaction, with the running sums by currency up to and with it, "EUR=5,USD=12":
--                a count is a difference of two sequence numbers, a sum a difference of two running sums. A user's
--                have counts as well, "EUR=5/1,USD=12/3", once there are several currencies
--   <subject>:d  counterparts, scored by when they were last seen; a distinct is the members inside the window
--   <subject>:l  what came too late to be put in its place cheaply: "tx|currency|amount|number", number -1 if withdrawn
-- Everything is O(log n) in the transactions of a subject. Windows are (t - w, t], the transaction itself not counted.
--
-- KEYS[1] marker of the server run whose windows are complete, KEYS[2] reservations whose commit is not known yet
-- ARGV[1] what to do, then
--   "reserve", "load": a text for each transaction, of which only the reservation key may hold blanks:
--     tx (24 characters), event time in ms (empty: now), amount in minor units, currency, user, device, ip, merchant, key
--     Answers "cold" if the windows are not complete, else for each transaction
--     {repeated (0|1), flags, event time, 9 values for each subject, user_new_device, user_currency_count_24h,
--     the user's sums of 24 hours in other currencies, "JPY=7,KWD=9,"}. Flags: 1 stale, the values are not
--     those of whole windows; 2 large, some sums are decimal text.
--     "load" adds committed transactions that are not there, whether the windows are complete or not.
--   "withdraw": reservation keys whose transactions were never committed, in the order in which they came.
--     Answers how many were found.

local MODE = ARGV[1]
local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local WINDOWS = {MINUTE, HOUR, DAY}
-- Transactions up to a day late still find their whole window; keys live a little longer, so that their expiry
-- need not be moved at every transaction.
local RETAIN = 2 * DAY + 300000
local DEVICES_RETAIN = 30 * DAY
local EXPIRY_SLACK = 12 * HOUR
local REWRITE_MOST = 32
-- So many transactions of a subject are read at once: most subjects have no more in a day, and need no further look.
local RECENT = 4
-- A subject with more late entries in a day than this is stale: reading them one by one would hold up everybody else.
local LATE_MOST = 64
local RESERVATION_TTL = HOUR
local TRANSACTION = '^(%x+) (-?%d*) (-?%d+) (%S+) (%S*) (%S*) (%S*) (%S*) (.*)$'

local call, sub, format = redis.call, string.sub, string.format

-- A member is 12 digits of sequence, 24 of tx, then the running sums: places instead of patterns, which cost more.
local function seq_of(member) return tonumber(sub(member, 1, 12)) end
local function tx_of(member) return sub(member, 13, 36) end
local function totals_of(member) return sub(member, 37) end

local function member_of(seq, tx, totals)
  return format('%012d', seq) .. tx .. totals
end

-- Doubles count exactly up to 2^53 and sums go further, so a sum is two of them: units of 10^15, and the rest.
local UNIT, UNIT_DIGITS = 1e15, 15
-- True once a sum of the transaction at hand has to be answered as text.
local large = false

local function carried(high, low)
  if low >= 0 and low < UNIT then return high, low end
  local carry = math.floor(low / UNIT)
  return high + carry, low - carry * UNIT
end

local function text_of(high, low)
  if high == 0 then return format('%.0f', low) end
  return format('%.0f%015.0f', high, low)
end

local function total_in(totals, currency)
  local found = string.match(totals, currency .. '=(-?%d+)')
  if not found then return 0, 0 end
  if #found <= UNIT_DIGITS then return 0, tonumber(found) end
  return tonumber(sub(found, 1, -UNIT_DIGITS - 1)), tonumber(sub(found, -UNIT_DIGITS))
end

-- A sum as it is answered: a number while that is exact.
local function answer_of(high, low)
  high, low = carried(high, low)
  if high <= 8 then return high * UNIT + low end
  large = true
  return text_of(high, low)
end

-- The same as text, exact however large.
local function decimal_of(high, low)
  high, low = carried(high, low)
  if high <= 8 then return format('%.0f', high * UNIT + low) end
  return text_of(high, low)
end

local function add_sum(sums, currency, high, low)
  local sum = sums[currency] or {0, 0}
  sums[currency] = sum
  sum[1], sum[2] = carried(sum[1] + high, sum[2] + low)
end

local function several(totals) return string.find(totals, ',', 1, true) end

-- Running count of a currency; `seq` is the member's, which counts those of an only currency.
local function count_in(totals, currency, seq)
  local entry, count = string.match(totals, '(' .. currency .. '=)-?%d+/?(%d*)')
  if not entry then return 0 end
  return tonumber(count) or (several(totals) and 0 or seq)
end

-- With a `number` the transactions of several currencies are counted as well; `seq` is the member's before.
local function plus(totals, currency, amount, number, seq)
  local high, low = total_in(totals, currency)
  low = low + amount
  local plain = high == 0 and low >= 0 and low < UNIT
  local entry = currency .. '=' .. (plain and format('%.0f', low) or text_of(carried(high, low)))
  if totals == '' then return entry end
  local more = several(totals)
  if number and more then entry = entry .. '/' .. math.max(0, count_in(totals, currency, seq) + number) end
  local replaced, found = string.gsub(totals, currency .. '=%-?%d+/?%d*', entry)
  if found > 0 then return replaced end
  -- What was the only currency gets its count before it is not any more.
  if number and not more then totals, entry = totals .. '/' .. seq, entry .. '/' .. number end
  return totals .. ',' .. entry
end

-- Sequence number and running sums of the last transaction at or before `t`. `recent` are the last transactions with
-- their scores, if they were read.
local function state_at(events, t, recent)
  if recent then
    for i = 2, #recent, 2 do
      if tonumber(recent[i]) <= t then return seq_of(recent[i - 1]), totals_of(recent[i - 1]) end
    end
    if #recent < 2 * RECENT then return 0, '' end
  end
  local found = call('ZRANGE', events, t, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  if not found then return 0, '' end
  return seq_of(found), totals_of(found)
end

-- Sum (in its two parts) and number of the late entries of a window, and how many are in the currency; adds up the
-- others in `sums`.
local function late_in(late, currency, from, to, sums)
  local high, low, count, own_count = 0, 0, 0, 0
  for _, member in ipairs(call('ZRANGE', late, '(' .. from, to, 'BYSCORE')) do
    local own, amount, number = string.match(member, '^[^|]*|(%u+)|(-?%d+)|(-?%d+)$')
    if own == currency then
      high, low = carried(high, low + tonumber(amount))
      own_count = own_count + tonumber(number)
    elseif sums then
      add_sum(sums, own, 0, tonumber(amount))
    end
    count = count + tonumber(number)
  end
  return high, low, count, own_count
end

local function late_member(tx, currency, amount, number)
  return tx .. '|' .. currency .. '|' .. format('%.0f', amount) .. '|' .. number
end

-- False while no subject of the call has late entries, which spares asking for those of each.
local any_late = true

local function add_late(subject, t, tx, currency, amount, number)
  any_late = true
  call('ZADD', subject .. ':l', t, late_member(tx, currency, amount, number))
  call('PEXPIRE', subject .. ':l', RETAIN + EXPIRY_SLACK)
end

-- Moves `members` (with scores) by `step` in sequence and by `amount` in their running sums.
local function shift(events, members, currency, amount, step, number)
  for i = 1, #members, 2 do
    local member = members[i]
    call('ZREM', events, member)
    local seq, totals = seq_of(member), totals_of(member)
    call('ZADD', events, members[i + 1], member_of(seq + step, tx_of(member), plus(totals, currency, amount, number, seq)))
  end
end

-- Adds a transaction before others that are there already.
local function insert_late(subject, t, tx, currency, amount, number)
  local events = subject .. ':e'
  local seq, totals = state_at(events, t)
  if call('ZCOUNT', events, '(' .. t, '+inf') <= REWRITE_MOST then
    shift(events, call('ZRANGE', events, '(' .. t, '+inf', 'BYSCORE', 'WITHSCORES'), currency, amount, 1, number)
    call('ZADD', events, t, member_of(seq + 1, tx, plus(totals, currency, amount, number, seq)))
  else
    call('ZADD', events, t, member_of(seq, tx, totals))
    add_late(subject, t, tx, currency, amount, 1)
  end
end

-- Drops what no window can reach, but keeps one transaction before the horizon as the base of the oldest sum.
local function trim(subject, newest, counterpart_retain)
  local old = call('ZCOUNT', subject .. ':e', '-inf', newest - RETAIN)
  if old > 1 then call('ZREMRANGEBYRANK', subject .. ':e', 0, old - 2) end
  call('ZREMRANGEBYSCORE', subject .. ':l', '-inf', newest - RETAIN)
  call('ZREMRANGEBYSCORE', subject .. ':d', '-inf', newest - counterpart_retain)
end

-- Fills in what the user did in the last 24 hours: how often in the currency, and the sums in others.
local function read_money(money, late, t, currency, seq, totals, seq_before, totals_before, has_late)
  if not has_late and not several(totals) and sub(totals, 1, 4) == currency .. '=' then
    money.count = seq - seq_before
    return
  end
  local count, count_before = count_in(totals, currency, seq), count_in(totals_before, currency, seq_before)
  local sums, elsewhere = {}, ''
  if has_late then
    local _, _, _, late_count = late_in(late, currency, t - DAY, t, sums)
    count = count + late_count
  end
  money.count = math.max(0, count - count_before)
  for own in string.gmatch(totals, '(%u+)=') do
    if own ~= currency then
      local high, low = total_in(totals, own)
      local high_before, low_before = total_in(totals_before, own)
      add_sum(sums, own, high - high_before, low - low_before)
    end
  end
  for own, sum in pairs(sums) do
    local text = decimal_of(sum[1], sum[2])
    if text ~= '0' then elsewhere = elsewhere .. own .. '=' .. text .. ',' end
  end
  money.elsewhere = elsewhere
end

-- Count, sum and distinct of each window, from the state now and the state where the window begins.
local function read_windows(out, subject, t, currency, seq, totals, recent, has_late, money)
  local events, others, late, base = subject .. ':e', subject .. ':d', subject .. ':l', #out
  local high, low = total_in(totals, currency)
  local count, sum, distinct, whole = 0, 0, 0, false
  local seq_before, totals_before = 0, ''
  for i = 1, 3 do
    if not whole then
      local from = t - WINDOWS[i]
      seq_before, totals_before = state_at(events, from, recent)
      local counted = seq - seq_before
      local high_before, low_before = total_in(totals_before, currency)
      local high_in, low_in = high - high_before, low - low_before
      if has_late then
        local late_high, late_low, late_count = late_in(late, currency, from, t)
        high_in, low_in, counted = high_in + late_high, low_in + late_low, counted + late_count
      end
      sum = high_in == 0 and low_in or answer_of(high_in, low_in)
      if has_late or counted ~= count then distinct = call('ZCOUNT', others, '(' .. from, t) end
      count = counted
      -- With nothing before this window, the wider ones hold the same.
      whole = seq_before == 0 and not has_late
    end
    out[base + i], out[base + 3 + i], out[base + 6 + i] = count, sum, distinct
  end
  if money then read_money(money, late, t, currency, seq, totals, seq_before, totals_before, has_late) end
end

-- Reads the nine values of a subject into `out`, those of a user also into `money`, and adds the transaction.
-- Returns when the counterpart was last seen, and whether the windows are not whole: the transaction is too late for
-- them, or too many others were.
local function visit(out, subject, counterpart, t, amount, currency, tx, counterpart_retain, money)
  local events, others, number = subject .. ':e', subject .. ':d', money and 1
  local recent = call('ZRANGE', events, 0, RECENT - 1, 'REV', 'WITHSCORES')
  local head, head_time, seq, seen, crowded = recent[1], tonumber(recent[2]), 0, nil, false
  if head then
    seq = seq_of(head)
    local in_order, totals = head_time <= t, totals_of(head)
    local has_late = any_late and call('EXISTS', subject .. ':l') == 1
    crowded = has_late and call('ZCOUNT', subject .. ':l', '(' .. (t - DAY), t) > LATE_MOST
    local seq_now, totals_now = seq, totals
    if not in_order then seq_now, totals_now = state_at(events, t, recent) end
    read_windows(out, subject, t, currency, seq_now, totals_now, recent, has_late and not crowded, money)
    if in_order then
      call('ZADD', events, t, member_of(seq + 1, tx, plus(totals, currency, amount, number, seq)))
    else
      insert_late(subject, t, tx, currency, amount, number)
    end
  else
    for i = #out + 1, #out + 9 do out[i] = 0 end
    call('ZADD', events, t, member_of(1, tx, plus('', currency, amount, number, 0)))
  end
  if counterpart ~= '' then
    if head or counterpart_retain > RETAIN then seen = call('ZSCORE', others, counterpart) end
    call('ZADD', others, 'GT', t, counterpart)
  end
  if not head or head_time <= t - HOUR or seq % 8 == 0 then
    call('PEXPIRE', events, RETAIN + EXPIRY_SLACK)
    if counterpart ~= '' then call('PEXPIRE', others, counterpart_retain + EXPIRY_SLACK) end
  end
  if seq % 64 == 63 then trim(subject, math.max(t, head_time), counterpart_retain) end
  return seen, crowded or (head and head_time - t > DAY)
end

-- The one clock is the server's, whatever those of the replicas say, read once for all transactions of a call.
local TIME = call('TIME')
local ARRIVAL = TIME[1] * 1000 + math.floor(TIME[2] / 1000)

local function loaded(subjects, tx, t)
  for _, subject in ipairs(subjects) do
    if subject ~= '' then
      for _, member in ipairs(call('ZRANGE', subject .. ':e', t, t, 'BYSCORE')) do
        if tx_of(member) == tx then return true end
      end
      return false
    end
  end
end

-- `reserved` has what is stored under each reservation key.
local function reserve(reserved, key, tx, t, amount, currency, subjects)
  if reserved[key] then
    local found = cmsgpack.unpack(reserved[key])
    local answer, money = found.answer, found.money
    answer[1] = 1
    -- A reservation made before money was read apart counts all transactions of the user.
    answer[#answer + 1], answer[#answer + 2] = money and money.count or answer[6], money and money.elsewhere or ''
    return answer
  end
  t = t or ARRIVAL
  if MODE == 'load' and loaded(subjects, tx, t) then return false end
  local answer, seen, money = {0, 0, t}, {'', '', '', ''}, {count = 0, elsewhere = ''}
  large = false
  for i, subject in ipairs(subjects) do
    if subject == '' then
      for _ = 1, 9 do answer[#answer + 1] = 0 end
    else
      local counterpart, retain = subjects[1], RETAIN
      if i == 1 then counterpart, retain = subjects[2], DEVICES_RETAIN end
      local last, stale = visit(answer, subject, counterpart, t, amount, currency, tx, retain, i == 1 and money)
      seen[i] = last or ''
      if stale then answer[2] = 1 end
    end
  end
  if large then answer[2] = answer[2] + 2 end
  answer[#answer + 1] = (subjects[2] ~= '' and seen[1] == '') and 1 or 0
  if MODE == 'reserve' then
    local stored = {tx = tx, t = t, amount = amount, currency = currency, subjects = subjects, seen = seen, answer = answer, money = money}
    reserved[key] = cmsgpack.pack(stored)
    call('SET', key, reserved[key], 'PX', RESERVATION_TTL)
  end
  answer[#answer + 1], answer[#answer + 2] = money.count, money.elsewhere
  return answer
end

local function withdraw_event(subject, t, tx, currency, amount, number)
  local events = subject .. ':e'
  local was_late = call('ZREM', subject .. ':l', late_member(tx, currency, amount, 1)) == 1
  local found = call('ZRANGE', events, t, '+inf', 'BYSCORE', 'LIMIT', 0, 2 * REWRITE_MOST, 'WITHSCORES')
  local gone, after = false, {}
  for i = 1, #found, 2 do
    if gone then
      after[#after + 1] = found[i]
      after[#after + 1] = found[i + 1]
    elseif tx_of(found[i]) == tx then
      gone = true
      call('ZREM', events, found[i])
    end
  end
  if was_late or #after == 0 then return end
  if #found < 4 * REWRITE_MOST then
    shift(events, after, currency, -amount, -1, number)
  else
    -- The state from the next transaction on still holds this one; an entry at its time takes it away again.
    add_late(subject, after[2], tx, currency, -amount, -1)
  end
end

local function withdraw(key)
  call('ZREM', KEYS[2], key)
  local known = call('GET', key)
  if not known then return 0 end
  local r = cmsgpack.unpack(known)
  for i, subject in ipairs(r.subjects) do
    local counterpart = i == 1 and r.subjects[2] or r.subjects[1]
    if subject ~= '' then
      withdraw_event(subject, r.t, r.tx, r.currency, r.amount, i == 1 and -1)
      local last = counterpart ~= '' and call('ZSCORE', subject .. ':d', counterpart)
      if last and tonumber(last) == r.t then
        if r.seen[i] == '' then
          call('ZREM', subject .. ':d', counterpart)
        else
          call('ZADD', subject .. ':d', r.seen[i], counterpart)
        end
      end
    end
  end
  call('DEL', key)
  return 1
end

if MODE == 'withdraw' then
  local found = 0
  -- The last one first: each then puts back what its counterparts' last sighting was when it came.
  for i = #ARGV, 2, -1 do found = found + withdraw(ARGV[i]) end
  return found
end

if MODE == 'reserve' then
  local run = string.match(call('INFO', 'server'), 'run_id:(%w+)')
  if call('GET', KEYS[1]) ~= run then return 'cold' end
  call('SET', KEYS[1] .. ':alive', ARRIVAL)
end

-- What can be asked and told of all transactions at once.
local transactions, keys, pending, late = {}, {}, {}, {}
for i = 2, #ARGV do
  local tx, t, amount, currency, user, device, ip, merchant, key = string.match(ARGV[i], TRANSACTION)
  local subjects = {user, device, ip, merchant}
  transactions[i - 1], keys[i - 1] = {key, tx, tonumber(t), tonumber(amount), currency, subjects}, key
  pending[#pending + 1], pending[#pending + 2] = ARRIVAL, key
  for _, subject in ipairs(subjects) do
    if subject ~= '' then late[#late + 1] = subject .. ':l' end
  end
end
any_late = #late > 0 and call('EXISTS', unpack(late)) > 0
local reserved = {}
for i, found in ipairs(call('MGET', unpack(keys))) do reserved[keys[i]] = found end
-- Before any is made: should this call stop halfway, none is overlooked.
if MODE == 'reserve' then call('ZADD', KEYS[2], unpack(pending)) end

local answers = {}
for i, transaction in ipairs(transactions) do answers[i] = reserve(reserved, unpack(transaction)) end
return answers
