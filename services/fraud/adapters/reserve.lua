-- Reserves transactions in their sliding windows and reads their features, in one atomic step.
--
-- Each subject (user, device, ip, merchant) of a transaction has up to three sorted sets, scored by event time in ms:
--   <subject>:e  one member a transaction, with the running sums by currency up to and with it, "EUR=5,USD=12":
--                a count is a difference of two sequence numbers, a sum a difference of two running sums
--   <subject>:d  counterparts, scored by when they were last seen; a distinct is the members inside the window
--   <subject>:l  what came too late to be put in its place cheaply: "tx|currency|amount|number", number -1 if withdrawn
-- Everything is O(log n) in the transactions of a subject. Windows are (t - w, t], the transaction itself not counted.
--
-- KEYS[1] marker of the server run whose windows are complete, KEYS[2] reservations whose commit is not known yet
-- ARGV[1] what to do, ARGV[2] time of arrival in ms, then
--   "reserve", "load": 9 for each transaction:
--     reservation key, tx (24 characters), event time in ms (empty: now), amount in minor units, currency, user, device, ip, merchant
--     Answers "cold" if the windows are not complete, else for each transaction
--     {repeated (0|1), stale (0|1), event time, 9 values for each subject, user_new_device}.
--     "load" adds committed transactions that are not there, whether the windows are complete or not.
--   "withdraw": reservation keys whose transactions were never committed, in the order in which they came.
--     Answers how many were found.

local MODE, ARRIVAL = ARGV[1], tonumber(ARGV[2])
local MINUTE, HOUR, DAY = 60000, 3600000, 86400000
local WINDOWS = {MINUTE, HOUR, DAY}
-- Transactions up to a day late still find their whole window; keys live a little longer, so that their expiry
-- need not be moved at every transaction.
local RETAIN = 2 * DAY + 300000
local DEVICES_RETAIN = 30 * DAY
local EXPIRY_SLACK = 12 * HOUR
local REWRITE_MOST = 32
local RESERVATION_TTL = HOUR

local call, sub, format = redis.call, string.sub, string.format

-- A member is 12 digits of sequence, 24 of tx, then the running sums: places instead of patterns, which cost more.
local function seq_of(member) return tonumber(sub(member, 1, 12)) end
local function tx_of(member) return sub(member, 13, 36) end
local function totals_of(member) return sub(member, 37) end

local function member_of(seq, tx, totals)
  return format('%012d', seq) .. tx .. totals
end

local function total_in(totals, currency)
  return tonumber(string.match(totals, currency .. '=(-?%d+)') or 0)
end

local function plus(totals, currency, amount)
  local entry = currency .. '=' .. format('%.0f', total_in(totals, currency) + amount)
  if totals == '' then return entry end
  local replaced, found = string.gsub(totals, currency .. '=%-?%d+', entry)
  return found > 0 and replaced or totals .. ',' .. entry
end

-- Sequence number and running sums of the last transaction at or before `t`.
local function state_at(events, t)
  local found = call('ZRANGE', events, t, '-inf', 'BYSCORE', 'REV', 'LIMIT', 0, 1)[1]
  if not found then return 0, '' end
  return seq_of(found), totals_of(found)
end

-- Sum and number of the late entries of a window.
local function late_in(late, currency, from, to)
  local sum, count = 0, 0
  for _, member in ipairs(call('ZRANGE', late, '(' .. from, to, 'BYSCORE')) do
    local own, amount, number = string.match(member, '^[^|]*|(%u+)|(-?%d+)|(-?%d+)$')
    if own == currency then sum = sum + tonumber(amount) end
    count = count + tonumber(number)
  end
  return sum, count
end

local function late_member(tx, currency, amount, number)
  return tx .. '|' .. currency .. '|' .. format('%.0f', amount) .. '|' .. number
end

local function add_late(subject, t, tx, currency, amount, number)
  call('ZADD', subject .. ':l', t, late_member(tx, currency, amount, number))
  call('PEXPIRE', subject .. ':l', RETAIN + EXPIRY_SLACK)
end

-- Moves `members` (with scores) by `step` in sequence and by `amount` in their running sums.
local function shift(events, members, currency, amount, step)
  for i = 1, #members, 2 do
    local member = members[i]
    call('ZREM', events, member)
    local totals = plus(totals_of(member), currency, amount)
    call('ZADD', events, members[i + 1], member_of(seq_of(member) + step, tx_of(member), totals))
  end
end

-- Adds a transaction before others that are there already.
local function insert_late(subject, t, tx, currency, amount)
  local events = subject .. ':e'
  local seq, totals = state_at(events, t)
  if call('ZCOUNT', events, '(' .. t, '+inf') <= REWRITE_MOST then
    shift(events, call('ZRANGE', events, '(' .. t, '+inf', 'BYSCORE', 'WITHSCORES'), currency, amount, 1)
    call('ZADD', events, t, member_of(seq + 1, tx, plus(totals, currency, amount)))
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

-- Count, sum and distinct of each window, from the state now and the state where the window begins.
local function read_windows(out, subject, t, currency, seq, total, has_late)
  local events, others, late, base = subject .. ':e', subject .. ':d', subject .. ':l', #out
  local count, sum, distinct, whole = 0, 0, 0, false
  for i = 1, 3 do
    if not whole then
      local from = t - WINDOWS[i]
      local seq_before, totals_before = state_at(events, from)
      local counted = seq - seq_before
      sum = total - total_in(totals_before, currency)
      if has_late then
        local late_total, late_count = late_in(late, currency, from, t)
        sum, counted = sum + late_total, counted + late_count
      end
      if has_late or counted ~= count then distinct = call('ZCOUNT', others, '(' .. from, t) end
      count = counted
      -- With nothing before this window, the wider ones hold the same.
      whole = seq_before == 0 and not has_late
    end
    out[base + i], out[base + 3 + i], out[base + 6 + i] = count, sum, distinct
  end
end

-- Reads the nine values of a subject into `out` and adds the transaction.
-- Returns when the counterpart was last seen, and whether the transaction is too late for its windows to be whole.
local function visit(out, subject, counterpart, t, amount, currency, tx, counterpart_retain)
  local events, others = subject .. ':e', subject .. ':d'
  local newest = call('ZRANGE', events, 0, 0, 'REV', 'WITHSCORES')
  local head, head_time, seq, seen = newest[1], tonumber(newest[2]), 0, nil
  if head then
    seq = seq_of(head)
    local in_order, totals = head_time <= t, totals_of(head)
    local has_late = call('EXISTS', subject .. ':l') == 1
    local seq_now, totals_now = seq, totals
    if not in_order then seq_now, totals_now = state_at(events, t) end
    read_windows(out, subject, t, currency, seq_now, total_in(totals_now, currency), has_late)
    if in_order then
      call('ZADD', events, t, member_of(seq + 1, tx, plus(totals, currency, amount)))
    else
      insert_late(subject, t, tx, currency, amount)
    end
  else
    for i = #out + 1, #out + 9 do out[i] = 0 end
    call('ZADD', events, t, member_of(1, tx, plus('', currency, amount)))
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
  return seen, head and head_time - t > DAY
end

local function now()
  local time = call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

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

local function reserve(key, tx, t, amount, currency, subjects)
  local known = call('GET', key)
  if known then
    local answer = cmsgpack.unpack(known).answer
    answer[1] = 1
    return answer
  end
  if not t then t = now() end
  if MODE == 'load' and loaded(subjects, tx, t) then return false end
  local answer, seen = {0, 0, t}, {'', '', '', ''}
  for i, subject in ipairs(subjects) do
    if subject == '' then
      for _ = 1, 9 do answer[#answer + 1] = 0 end
    else
      local counterpart, retain = subjects[1], RETAIN
      if i == 1 then counterpart, retain = subjects[2], DEVICES_RETAIN end
      local last, stale = visit(answer, subject, counterpart, t, amount, currency, tx, retain)
      seen[i] = last or ''
      if stale then answer[2] = 1 end
    end
  end
  answer[#answer + 1] = (subjects[2] ~= '' and seen[1] == '') and 1 or 0
  if MODE == 'reserve' then
    local stored = {tx = tx, t = t, amount = amount, currency = currency, subjects = subjects, seen = seen, answer = answer}
    call('SET', key, cmsgpack.pack(stored), 'PX', RESERVATION_TTL)
    call('ZADD', KEYS[2], ARRIVAL, key)
  end
  return answer
end

local function withdraw_event(subject, t, tx, currency, amount)
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
    shift(events, after, currency, -amount, -1)
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
      withdraw_event(subject, r.t, r.tx, r.currency, r.amount)
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
  for i = #ARGV, 3, -1 do found = found + withdraw(ARGV[i]) end
  return found
end

if MODE == 'reserve' then
  local run = string.match(call('INFO', 'server'), 'run_id:(%w+)')
  if call('GET', KEYS[1]) ~= run then return 'cold' end
  call('SET', KEYS[1] .. ':alive', ARRIVAL)
end

local answers = {}
for i = 3, #ARGV, 9 do
  local subjects = {ARGV[i + 5], ARGV[i + 6], ARGV[i + 7], ARGV[i + 8]}
  answers[#answers + 1] = reserve(ARGV[i], ARGV[i + 1], tonumber(ARGV[i + 2]), tonumber(ARGV[i + 3]), ARGV[i + 4], subjects)
end
return answers
