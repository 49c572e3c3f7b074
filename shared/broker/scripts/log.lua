-- Adds a line to what a running job tells of itself, for the worker that owns it.
--
-- ARGV[1] id   [2] token   [3] line
-- Returns 1, or 0 when the lease is lost
local job = call('HMGET', JOB .. ARGV[1], 'state', 'token', 'attempt')
if job[1] ~= 'active' or job[2] ~= ARGV[2] then return 0 end
event('logged', ARGV[1], 'attempt', job[3], 'line', ARGV[3])
return 1
