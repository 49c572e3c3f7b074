-- Holds a run for some time: takes one over, renews its lease, puts it off, or adds one that was asked for by hand.
--
-- KEYS: see store.py
-- ARGV[1] id   [2] the run's JSON as the caller knows it, '' for none   [3] its new JSON
--      [4] how long in ms   [5] '1' only if the lease has ended
-- Returns 1, or 0 if the run is another's
local id = ARGV[1]
if (redis.call('HGET', KEYS[3], id) or '') ~= ARGV[2] then return 0 end
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if ARGV[5] == '1' and tonumber(redis.call('ZSCORE', KEYS[4], id) or 0) > now then return 0 end
redis.call('HSET', KEYS[3], id, ARGV[3])
redis.call('ZADD', KEYS[4], string.format('%.0f', now + ARGV[4]), id)
return 1
