-- Tells jobs of this queue that one they depend on has ended, in whichever queue that was.
--
-- ARGV[1] id of the one that ended   [2] its state: completed, failed or cancelled   [3] its result (JSON) or ''
-- ARGV[4] error of those that fail with it (JSON)   [5] failed jobs to keep   [6] number of jobs, then their ids
-- Returns a letter a job as one string: r may run now, w waits for others, f failed with it, F failed and others
--   depend on it, e is not here yet, d nothing was left to do
-- Safe to repeat: what a dependency's field says already is not done twice.
local ended_id, state, result = ARGV[1], ARGV[2], ARGV[3]
local field = 'dep:' .. ended_id
local letters = {}

local function let_run(id, after, priority, group)
  call('ZREM', BLOCKED, id)
  local delay = tonumber(after) or 0
  if delay > 0 then
    call('HSET', JOB .. id, 'state', 'delayed')
    call('ZADD', DELAYED, now + delay, id)
    event('delayed', id, 'delay', delay)
    return wake()
  end
  call('HSET', JOB .. id, 'state', 'waiting')
  event('waiting', id)
  make_runnable(id, score_last(priority), group)
end

local function release(id)
  local found = call('HMGET', JOB .. id, 'state', field, 'pending', 'onfail', 'after', 'priority', 'group', 'attempt',
    'dependents')
  if not found[1] then
    -- It is enqueued later (two relays met, or one died in between): then it finds this.
    call('HSET', PREFIX .. 'early:' .. id, ended_id, state .. '|' .. result)
    call('PEXPIRE', PREFIX .. 'early:' .. id, 604800000)
    return 'e'
  end
  local known = found[2]
  local waits = known == 'w' or known == 'x'
  if state == 'completed' then
    if not (waits or known == 'f') then return 'd' end
    call('HSET', JOB .. id, field, 'c' .. result)
    if known == 'f' then return 'd' end
  else
    if known ~= 'w' then return 'd' end
    if found[4] ~= 'release' then
      call('HSET', JOB .. id, field, 'x')
      if found[1] ~= 'blocked' then return 'd' end
      call('ZREM', BLOCKED, id)
      append_error(id, ARGV[4])
      local job = {attempt = found[8], dependents = found[9]}
      finish_job(id, 'failed', job, '', tonumber(ARGV[5]), {'error', ARGV[4], 'dependency', ended_id})
      return found[9] and 'F' or 'f'
    end
    call('HSET', JOB .. id, field, 'f')
  end
  if call('HINCRBY', JOB .. id, 'pending', -1) > 0 or found[1] ~= 'blocked' then return 'w' end
  let_run(id, found[5], found[6], found[7])
  return 'r'
end

for i = 1, tonumber(ARGV[6]) do letters[i] = release(ARGV[6 + i]) end
settle()
return table.concat(letters)
