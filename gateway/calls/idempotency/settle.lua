-- Ends a claim that is still held. KEYS[1]: the key; ARGV: the claim, what follows it or nothing, the life of that in milliseconds.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
if ARGV[2] == '' then
    return redis.call('DEL', KEYS[1])
end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
