-- Added to lib.lua and groups.lua for scripts that end jobs: leaving the active state, keys, records, retention.

local function leave_active(id, worker, group)
  call('ZREM', ACTIVE, id)
  if worker and call('HINCRBY', WORKERS, worker, -1) <= 0 then call('HDEL', WORKERS, worker) end
  if group then group_left(group) end
end

local function append_error(id, error)
  local before = call('HGET', JOB .. id, 'errors')
  call('HSET', JOB .. id, 'errors', before and (before .. ',' .. error) or error)
end

-- Frees the deduplication key, or hands it to the follow-up job that waited for this one.
local function release_key(id, key, mode, follower)
  if follower then
    local job = call('HMGET', JOB .. follower, 'state', 'due', 'priority', 'group')
    if job[1] == 'blocked' then
      call('ZREM', BLOCKED, follower)
      call('HDEL', JOB .. follower, 'blocker', 'due')
      if key then call('SET', PREFIX .. 'dedup:' .. key, follower) end
      local due = tonumber(job[2]) or 0
      if due > now then
        call('HSET', JOB .. follower, 'state', 'delayed')
        call('ZADD', DELAYED, due, follower)
        event('delayed', follower, 'delay', due - now)
        wake()
      else
        call('HSET', JOB .. follower, 'state', 'waiting')
        event('waiting', follower)
        make_runnable(follower, score_last(job[3]), job[4])
      end
      return
    end
  end
  if key and mode ~= 'ttl' then
    local name = PREFIX .. 'dedup:' .. key
    if call('GET', name) == id then call('DEL', name) end
  end
end

-- The whole job as JSON, so that whoever reads the event needs no record.
-- `job` is what the caller has read of it: msg, started, errors, stalls, released, progress, dedup.
local function job_record(job, state, attempt, result)
  local msg = job[1] or '0|{}'
  local bar = string.find(msg, '|', 1, true) or 0
  local json = string.sub(msg, bar + 1, -2)
  -- Whoever reads the events must be able to read every one, also that of a job whose message is damaged. A
  -- completed one was read by its worker.
  if state ~= 'completed' and not pcall(cjson.decode, json .. '}') then json = '{"name":"unreadable"' end
  if json ~= '{' then json = json .. ',' end
  return json .. '"createdAt":' .. (string.match(msg, '^([1-9]%d*)|') or '0')
    .. ',"startedAt":' .. (job[2] or 'null') .. ',"finishedAt":' .. NOW .. ',"state":"' .. state
    .. '","attempt":' .. (attempt or 0) .. ',"stalls":' .. (job[4] or 0) .. ',"releasedMs":' .. (job[5] or 0)
    .. ',"progress":' .. (job[6] or 'null') .. ',"errors":[' .. (job[3] or '') .. ']'
    .. (job[7] and (',"deduplicationKey":' .. cjson.encode(job[7])) or '')
    .. ',"result":' .. (result ~= '' and result or 'null') .. '}'
end

-- What a call finished: sets, totals and retention are written once a call, by settle().
local ended = {}

-- Ends a job that is in no other state's set any more. `extra` are further fields of the event.
local function finish_job(id, state, job, result, keep, extra)
  local read = job.read or call('HMGET', JOB .. id, 'msg', 'started', 'errors', 'stalls', 'released', 'progress', 'dedup')
  local record = job_record(read, state, job.attempt, result)
  event(state, id, 'attempt', job.attempt or 0, 'record', record, unpack(extra))
  local list = ended[state]
  if not list then
    list = {total = 0, keep = keep, members = {}, removed = {}}
    ended[state] = list
  end
  list.total = list.total + 1
  if keep == 0 then
    list.removed[#list.removed + 1] = JOB .. id
  else
    if list.keep == 0 or keep < list.keep then list.keep = keep end
    if result ~= '' then
      call('HSET', JOB .. id, 'state', state, 'finished', NOW, 'result', result)
    else
      call('HSET', JOB .. id, 'state', state, 'finished', NOW)
    end
    list.members[#list.members + 1] = NOW
    list.members[#list.members + 1] = id
  end
  if job.dedup or job.follower then release_key(id, job.dedup, job.mode, job.follower) end
  if job.dependents then
    call('XADD', RELEASES, '*', 'job', id, 'state', state, 'result', result, 'dependents', job.dependents)
  end
end

-- Removes the oldest finished jobs beyond the number to keep, at most 1,000 a call.
local function settle()
  for state, list in pairs(ended) do
    call('HINCRBY', META, 'total_' .. state, list.total)
    local removed = list.removed
    if #list.members > 0 then
      local set = PREFIX .. state
      call('ZADD', set, unpack(list.members))
      local excess = call('ZCARD', set) - list.keep
      if excess > 0 then
        local old = call('ZPOPMIN', set, math.min(excess, 1000))
        for i = 1, #old, 2 do removed[#removed + 1] = JOB .. old[i] end
      end
    end
    if #removed > 0 then call('UNLINK', unpack(removed)) end
  end
end
