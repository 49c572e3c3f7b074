-- Added to lib.lua for scripts that know the circuit breaker: calls to the queue's provider are counted in a sliding
-- window; too many failures open the breaker, which holds the queue until a probe, one job at a time, succeeds.
--
-- meta: breaker (open or probing; absent while closed), breaker_since, breaker_why, breaker_probe_at
-- KEYS[1]'s breaker: hash  at, n, f (calls and failures since at), pn, pf (in the window before), cooldown,
--   probe, token (of the job let through)
-- Settings are "calls,percent,window ms,cool-down ms,longest cool-down ms".
local BREAKER = PREFIX .. 'breaker'
local circuit  -- read at the first outcome of a call
local news = ''

local function circuit_close(by, why)
  if call('HDEL', META, 'breaker', 'breaker_since', 'breaker_why', 'breaker_probe_at') == 0 then return 0 end
  call('DEL', BREAKER)
  event('resumed', '', 'by', by, 'why', why)
  wake()
  return 1
end

local function circuit_open(why, cooldown)
  local probe_at = string.format('%.0f', now + cooldown)
  if not circuit.state then
    call('HSET', META, 'breaker_since', NOW)
    call('HINCRBY', META, 'breaker_opened', 1)
  end
  news = (circuit.state and 'reopened|' or 'opened|') .. why
  circuit.state = 'open'
  call('HSET', META, 'breaker', 'open', 'breaker_why', why, 'breaker_probe_at', probe_at)
  call('DEL', BREAKER)
  call('HSET', BREAKER, 'cooldown', cooldown)
  event('paused', '', 'by', 'breaker', 'why', why, 'delay', cooldown)
  wake()  -- who is blocked must learn when to look again
end

local function circuit_read(settings)
  local calls, percent, window, cooldown, longest = string.match(settings, '^(%d+),(%d+),(%d+),(%d+),(%d+)$')
  local stored = call('HMGET', BREAKER, 'at', 'n', 'f', 'pn', 'pf', 'cooldown', 'probe', 'token')
  circuit = {state = call('HGET', META, 'breaker'), calls = tonumber(calls), percent = tonumber(percent),
    window = tonumber(window), first = tonumber(cooldown), longest = tonumber(longest),
    at = tonumber(stored[1]) or now, n = tonumber(stored[2]) or 0, f = tonumber(stored[3]) or 0,
    pn = tonumber(stored[4]) or 0, pf = tonumber(stored[5]) or 0, cooldown = tonumber(stored[6]) or 0,
    probe = stored[7], token = stored[8]}
  local past = now - circuit.at
  if past >= 2 * circuit.window then
    circuit.at, circuit.n, circuit.f, circuit.pn, circuit.pf = now, 0, 0, 0, 0
  elseif past >= circuit.window then
    circuit.at, circuit.pn, circuit.pf = circuit.at + circuit.window, circuit.n, circuit.f
    circuit.n, circuit.f = 0, 0
  end
end

local function words_of(error)
  local readable, said = pcall(cjson.decode, error)
  return readable and type(said) == 'table' and tostring(said.message) or 'no answer'
end

-- Notes one call: '+' the provider answered, '-' it did not. Returns whether the job must wait for the breaker.
local function circuit_note(settings, outcome, id, its_token, error)
  if outcome ~= '+' and outcome ~= '-' then return false end
  if not circuit then circuit_read(settings) end
  local failed = outcome == '-'
  if circuit.state then
    if circuit.probe == id and circuit.token == its_token then
      circuit.probe = false
      if failed then
        circuit_open('the probe failed: ' .. words_of(error), math.min(circuit.cooldown * 2, circuit.longest))
      else
        circuit_close('breaker', 'a probe succeeded')
        news, circuit.state, circuit.at = 'closed|a probe succeeded', false, now
        circuit.n, circuit.f, circuit.pn, circuit.pf = 0, 0, 0, 0
      end
    end
    return failed and circuit.state and true or false
  end
  circuit.n = circuit.n + 1
  circuit.changed = true
  if not failed then return false end
  circuit.f = circuit.f + 1
  -- Of the window before, the part that still lies within one window's length of now.
  local part = 1 - (now - circuit.at) / circuit.window
  local n, f = circuit.n + circuit.pn * part, circuit.f + circuit.pf * part
  if n < circuit.calls or f * 100 < circuit.percent * n then return false end
  local why = string.format('%d of %d calls to the provider failed within %d s: %s', math.floor(f + 0.5),
    math.floor(n + 0.5), math.ceil(circuit.window / 1000), words_of(error))
  circuit_open(why, circuit.first)
  return true
end

local function circuit_keep()
  if not circuit or circuit.state or not circuit.changed then return end
  call('HSET', BREAKER, 'at', string.format('%.0f', circuit.at), 'n', circuit.n, 'f', circuit.f, 'pn', circuit.pn,
    'pf', circuit.pf)
  call('PEXPIRE', BREAKER, 2 * circuit.window)
end

-- While it is not closed: how many jobs may be taken (0 or 1), and when to look again.
local function circuit_admits(probe_at)
  if call('HGET', META, 'breaker') == 'probing' then
    local probe = call('HMGET', BREAKER, 'probe', 'token')
    local job = call('HMGET', JOB .. (probe[1] or ''), 'state', 'token')
    if job[1] == 'active' and job[2] == probe[2] then return 0, math.huge end
    -- Its worker vanished, or it ended without a call: the next job is the probe.
    call('HSET', META, 'breaker', 'open')
    return 1, math.huge
  end
  probe_at = tonumber(probe_at) or 0
  if probe_at > now then return 0, probe_at end
  return 1, math.huge
end

local function circuit_probe(id, its_token)
  call('HSET', META, 'breaker', 'probing')
  call('HSET', BREAKER, 'probe', id, 'token', its_token)
end
