-- Shared by every script: names of the keys, Redis time, and the transitions that several scripts make.
--
-- KEYS[1]  doko:{queue}:meta; every other key has the same prefix and so the same slot:
--   job:<id> hash      msg (created|json), state, attempt, token, worker, started, finished, result, errors,
--                      progress, stalls, released, priority, group, dedup, mode, absorbed, cancel, follower, blocker,
--                      due, pending, onfail, after, dependents, dep:<id>
--   waiting  zset      score = priority * 2^40 + arrival          solo     zset  once-stalled jobs, same score
--   delayed  zset      score = due time                           active   zset  score = lease expiry
--   completed, failed, cancelled zset  score = finish time        blocked  zset  score = creation time
--   events   stream    every transition                           marker   list  wakes one blocked worker
--   workers  hash      worker -> jobs it holds                    alive    zset  worker -> last sign of life
--   groups   zset      groups with parked jobs -> next look       parked:<group> zset  its jobs that must wait
--   group:<group> hash n (running), tat (next allowed time), x (its job that stands in waiting)
--   dedup:<key> string id of the holder, or r:<id> for a reservation
--   idem:<owner>:<key> string hash|id for 24 h                   client:<client> string jobs in this window
--   control:<worker> list orders to cancel: token id, or look    descriptions hash worker -> JSON
--   orders   hash      worker -> quiet or stop                    releases stream  ended jobs that others depend on
--   early:<id> hash    dependencies that ended before the job was enqueued: id -> state|result, for 7 days
--   meta     hash      pause, limits, counters               history  list   a queue's totals over the last hour
local call = redis.call
local PREFIX = string.sub(KEYS[1], 1, -5)
local JOB = PREFIX .. 'job:'
local META = KEYS[1]
local WAITING, SOLO, DELAYED, ACTIVE = PREFIX .. 'waiting', PREFIX .. 'solo', PREFIX .. 'delayed', PREFIX .. 'active'
local EVENTS, MARKER, WORKERS, GROUPS = PREFIX .. 'events', PREFIX .. 'marker', PREFIX .. 'workers', PREFIX .. 'groups'
local BLOCKED, RELEASES = PREFIX .. 'blocked', PREFIX .. 'releases'
local BAND, MIDDLE = 1099511627776, 549755813888  -- 2^40 arrivals a priority, counted up and down from 2^39
local DEFAULT_PRIORITY = 50

local clock = call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local NOW = string.format('%.0f', now)  -- Redis formats a number anew each time it is passed, and slowly

local function event(name, id, ...)
  call('XADD', EVENTS, '*', 'event', name, 'job', id, ...)
end

-- Wakes one blocked worker; a marker that nobody took yet is enough.
local function wake()
  if call('LLEN', MARKER) == 0 then call('RPUSH', MARKER, '1') end
end

local function score_last(priority)
  return (tonumber(priority) or DEFAULT_PRIORITY) * BAND + MIDDLE + call('HINCRBY', META, 'tail', 1)
end

local function score_first(priority)
  return (tonumber(priority) or DEFAULT_PRIORITY) * BAND + MIDDLE + call('HINCRBY', META, 'head', -1)
end

local function is_finished(state)
  return state == 'completed' or state == 'failed' or state == 'cancelled'
end
