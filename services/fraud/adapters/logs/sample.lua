-- Looks at some keys at random: whose logs they are and what they take. Logs of some crowded tenants are told to go early.
--
-- KEYS[1] state of all logs
-- ARGV[1] generation, ARGV[2] how many, ARGV[3] tags of the tenants whose logs are to go unless they are used
-- Answers "cold" for another generation, else for each key the tag, "" if it is no log, and its bytes. Chunks whose log is
-- gone are of no use to anybody, and deleted.

local call, sub = redis.call, string.sub
local state = call('HMGET', KEYS[1], 'generation', 'over')
if state[1] ~= ARGV[1] then return 'cold' end
local over, draining, found = state[2] or '', {}, {}
for at = 1, #ARGV[3], 3 do
  local tag = sub(ARGV[3], at, at + 2)
  local now, _, early = share_of(over, 'e:' .. tag)
  if now == CROWDED then draining[tag] = early end
end

for _ = 1, tonumber(ARGV[2]) do
  local key = call('RANDOMKEY')
  if not key then break end
  local tag = #key >= 18 and sub(key, 1, 2) == 'e:' and sub(key, 3, 5) or ''
  if tag ~= '' and #key > 18 and call('EXISTS', sub(key, 1, 18)) == 0 then
    call('UNLINK', key)
  else
    found[#found + 1] = tag
    found[#found + 1] = call('MEMORY', 'USAGE', key) or 0
    local early = #key == 18 and draining[tag]
    if early and call('TTL', key) > early then call('EXPIRE', key, early) end
  end
end
return found
