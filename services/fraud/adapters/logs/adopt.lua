-- Tells the generation of the logs, and begins another if the server was restarted, restored or emptied.
--
-- KEYS[1] state of all logs, ARGV[1] the generation to begin if one must
-- Answers generation, the proof under which a log that is not there was never written, "turn over" (see shares.lua).

local info = redis.call('INFO', 'server')
local run = string.match(info, 'run_id:(%w+)')
if redis.call('HGET', KEYS[1], 'run') ~= run then
  -- Named by the time, not counted: a server that was emptied, or that got an older snapshot back, would count the same
  -- again, and the proofs that processes remember would hold.
  local time = redis.call('TIME')
  local epoch = time[1] .. string.format('%06d', time[2])
  redis.call('HSET', KEYS[1], 'run', run, 'generation', ARGV[1], 'epoch', epoch)
  -- Of logs that are all gone nobody has too many.
  redis.call('HDEL', KEYS[1], 'over')
end
local state = redis.call('HMGET', KEYS[1], 'generation', 'epoch', 'turn', 'over')
local proof = state[2] .. ' ' .. string.match(redis.call('INFO', 'stats'), 'evicted_keys:(%d+)')
return {state[1], proof, (state[3] or '0') .. ' ' .. (state[4] or '')}
