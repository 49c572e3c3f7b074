-- A worker's sign of life: extends the leases of the jobs it runs, and tells it what an operator asked of it.
--
-- ARGV[1] worker   [2] lease in ms   [3] description of the worker (JSON)   [4] ms after which it counts as gone
-- ARGV[5] number of jobs, then 2 arguments each: id, token
-- Returns {a letter a job as one string: o owned, c owned and to be cancelled, l lost; quiet, stop or ''}
local states = {}
call('ZADD', PREFIX .. 'alive', now + tonumber(ARGV[4]), ARGV[1])
call('HSET', PREFIX .. 'descriptions', ARGV[1], ARGV[3])
for i = 0, tonumber(ARGV[5]) - 1 do
  local id = ARGV[6 + i * 2]
  local job = call('HMGET', JOB .. id, 'state', 'token', 'cancel')
  if job[1] == 'active' and job[2] == ARGV[7 + i * 2] then
    call('ZADD', ACTIVE, 'XX', now + tonumber(ARGV[2]), id)
    states[i + 1] = job[3] and 'c' or 'o'
  else
    states[i + 1] = 'l'
  end
end
return {table.concat(states), call('HGET', PREFIX .. 'orders', ARGV[1]) or ''}
