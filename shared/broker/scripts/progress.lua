-- Stores the progress of a running job for the worker that owns it.
--
-- ARGV[1] id   [2] token   [3] progress (JSON)
-- Returns 1, or 0 when the lease is lost
local job = call('HMGET', JOB .. ARGV[1], 'state', 'token')
if job[1] ~= 'active' or job[2] ~= ARGV[2] then return 0 end
call('HSET', JOB .. ARGV[1], 'progress', ARGV[3])
event('progress', ARGV[1], 'progress', ARGV[3])
return 1
