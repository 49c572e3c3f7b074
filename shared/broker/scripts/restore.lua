-- Brings a removed job back as it was: same id, state, place and history; its deduplication key is taken again.
--
-- ARGV[1] id   [2] who   [3] set in which it stood   [4] its score there or ''   [5] what the index keeps (JSON)
-- ARGV[6] number of fields, then each field's name and value
-- Returns {'restored'}, {'exists', state} or {'key', id of the job that holds its key}
local id, set, score = ARGV[1], ARGV[3], tonumber(ARGV[4])
local known = call('HGET', JOB .. id, 'state')
if known then return {'exists', known} end
local job, fields = {}, {}
for i = 7, 6 + 2 * tonumber(ARGV[6]), 2 do
  job[ARGV[i]] = ARGV[i + 1]
  fields[#fields + 1] = ARGV[i]
  fields[#fields + 1] = ARGV[i + 1]
end
if job.dedup and not is_finished(job.state) and job.mode ~= 'ttl' then
  local name = PREFIX .. 'dedup:' .. job.dedup
  local holder = call('GET', name)
  if holder and holder ~= id and string.sub(holder, 1, 2) ~= 'r:' then
    local state = call('HGET', JOB .. holder, 'state')
    if state and not is_finished(state) then return {'key', holder} end
  end
  call('SET', name, id)
end
call('HSET', JOB .. id, unpack(fields))
event('restored', id, 'by', ARGV[2], 'state', job.state, 'index', ARGV[5], 'created', string.match(job.msg or '', '^(%d+)|') or NOW)
if set == 'waiting' then
  make_runnable(id, score or score_last(job.priority), job.group)
elseif set == 'solo' then
  call('ZADD', SOLO, score or score_first(job.priority), id)
  wake()
else
  call('ZADD', PREFIX .. set, score or now, id)
  if set == 'delayed' then wake() end
end
return {'restored'}
