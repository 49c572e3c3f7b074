-- Settles what a worker holds after a lost reply: active jobs under its name that it doesn't know go back.
--
-- ARGV[1] worker   [2] number of jobs it holds, then 2 arguments each: id, token
-- Returns {ids that went back, ids that it holds in vain}
local known, lost, back = {}, {}, {}
for i = 0, tonumber(ARGV[2]) - 1 do known[ARGV[3 + i * 2]] = ARGV[4 + i * 2] end
local owned = 0
for _, id in ipairs(call('ZRANGE', ACTIVE, 0, -1)) do
  local job = call('HMGET', JOB .. id, 'worker', 'token', 'priority', 'group', 'attempt')
  if job[1] == ARGV[1] then
    if known[id] == job[2] then
      owned = owned + 1
      known[id] = nil
    else
      call('ZREM', ACTIVE, id)
      if job[4] then group_left(job[4]) end
      call('HSET', JOB .. id, 'state', 'waiting')
      call('HDEL', JOB .. id, 'token')
      call('HINCRBY', JOB .. id, 'attempt', -1)
      event('released', id, 'attempt', job[5], 'worker', job[1], 'delay', 0)
      make_runnable(id, score_first(job[3]), job[4])
      back[#back + 1] = id
    end
  end
end
for id in pairs(known) do lost[#lost + 1] = id end
if owned > 0 then call('HSET', WORKERS, ARGV[1], owned) else call('HDEL', WORKERS, ARGV[1]) end
return {back, lost}
