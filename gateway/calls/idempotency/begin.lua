-- Claims a key. KEYS[1]: the key; ARGV: the claim, its life in milliseconds.
-- Returns what is there, nil if it was claimed.
local found = redis.call('GET', KEYS[1])
if found then
    return found
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return nil
