-- Claims the run of a schedule that is due, and moves the schedule to its next time, in one step.
--
-- KEYS: see store.py
-- ARGV[1] id   [2] the schedule's JSON as the caller read it   [3] the due time in ms that it saw
--      [4] the next due time in ms   [5] the run's JSON   [6] lease in ms
-- Returns 1, or 0 if another has claimed it, if it has changed, or while a run of it is under way
local id = ARGV[1]
if redis.call('HGET', KEYS[1], id) ~= ARGV[2] then return 0 end
local due = redis.call('ZSCORE', KEYS[2], id)
if not due or tonumber(due) ~= tonumber(ARGV[3]) then return 0 end
if redis.call('HEXISTS', KEYS[3], id) == 1 then return 0 end
local clock = redis.call('TIME')
redis.call('ZADD', KEYS[2], ARGV[4], id)
redis.call('HSET', KEYS[3], id, ARGV[5])
redis.call('ZADD', KEYS[4], string.format('%.0f', clock[1] * 1000 + math.floor(clock[2] / 1000) + ARGV[6]), id)
return 1
