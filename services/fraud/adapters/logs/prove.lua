-- Notes that streams were swept, if nothing was lost since that began: no log evicted, and none told to go early.
--
-- KEYS[1] state of all logs, KEYS[2] what was swept
-- ARGV[1] generation, ARGV[2] the proof when the sweep began: "epoch evictions", ARGV[3] the turn then (see shares.lua)
-- ARGV[4] tag of the tenant, "" for all, ARGV[5...] fields
-- Answers "cold" for another generation, 0 if anything was lost, else the present time (Unix seconds).

local state = redis.call('HMGET', KEYS[1], 'generation', 'epoch', 'over', 'turn')
if state[1] ~= ARGV[1] then return 'cold' end
local proof = state[2] .. ' ' .. string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
if proof ~= ARGV[2] then return 0 end
-- Of all tenants those are left out that go early: it has to be known which these were.
if ARGV[4] == '' and (state[4] or '0') ~= ARGV[3] then return 0 end
if ARGV[4] ~= '' and state[3] then
  local now, changed = share_of(state[3], 'e:' .. ARGV[4])
  if now and (now ~= OPEN or changed > tonumber(ARGV[3])) then return 0 end
end
local seconds = redis.call('TIME')[1]
local value = proof .. ' ' .. ARGV[3] .. ' ' .. seconds
for i = 5, #ARGV do redis.call('HSET', KEYS[2], ARGV[i], value) end
return tonumber(seconds)
