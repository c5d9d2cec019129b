-- Backlogs of rate limits in seconds: what lies ahead of now until the whole burst of a key is there again.
-- KEYS: one for each limit. ARGV: for each key the seconds to add and its window; a negative window stands for none.
-- Adds to all keys or, if one of them has no room, to none. Answers whether it did, and the backlogs before.
-- A value is "<backlog> <microseconds of the server's clock at which it was true>": a time and a difference of times
-- keep more digits than a point in time alone, so that rates of a million in a second are exact as well.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local backlogs = {}
local fits = 1

for i, key in ipairs(KEYS) do
  local backlog = 0
  local value = redis.call('GET', key)
  if value then
    local seconds, at = string.match(value, '^(%S+) (%S+)$')
    -- A clock that was set back takes nothing away and adds nothing.
    local passed = math.max(0, now - tonumber(at)) / 1000000
    backlog = math.max(0, tonumber(seconds) - passed)
  end
  backlogs[i] = backlog
  local window = tonumber(ARGV[2 * i])
  if window >= 0 and backlog + tonumber(ARGV[2 * i - 1]) - window > 1e-9 then
    fits = 0
  end
end

local answer = {fits}
for i, key in ipairs(KEYS) do
  if fits == 1 then
    local backlog = backlogs[i] + tonumber(ARGV[2 * i - 1])
    if backlog > 0 then
      redis.call('SET', key, string.format('%.17g %.0f', backlog, now), 'PX', math.ceil(backlog * 1000) + 1)
    else
      redis.call('DEL', key)
    end
  end
  answer[i + 1] = string.format('%.17g', backlogs[i])
end
return answer
