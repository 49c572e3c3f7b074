-- Runs a delayed job now.
--
-- ARGV[1] id   [2] who
-- Returns {'waiting'}, {'missing'} or {'state', state}
local id = ARGV[1]
local found = call('HMGET', JOB .. id, 'state', 'priority', 'group')
if not found[1] then return {'missing'} end
if found[1] ~= 'delayed' then return {'state', found[1]} end
call('ZREM', DELAYED, id)
call('HSET', JOB .. id, 'state', 'waiting')
event('promoted', id, 'by', ARGV[2])
make_runnable(id, score_last(found[2]), found[3])
return {'waiting'}
