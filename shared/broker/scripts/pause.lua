-- Pauses a queue for all its workers at once, or resumes it; running jobs finish. A person's resume closes the circuit
-- breaker too; close_breaker closes only that one, and a person's pause stays.
--
-- ARGV[1] 'pause', 'resume' or 'close_breaker'   [2] who   [3] why   [4] when the pause ends by itself (epoch ms) or ''
-- Returns 1 if that changed anything, else 0
local paused = call('HEXISTS', META, 'paused')
if ARGV[1] == 'close_breaker' then return circuit_close(ARGV[2], ARGV[3]) end
if ARGV[1] == 'resume' then
  call('HDEL', META, 'paused', 'paused_until')
  local closed = circuit_close(ARGV[2], ARGV[3])
  if paused == 1 and closed == 0 then event('resumed', '', 'by', ARGV[2], 'why', ARGV[3]) end
  wake()
  return math.max(paused, closed)
end
call('HSET', META, 'paused', cjson.encode({by = ARGV[2], why = ARGV[3], at = now}))
if ARGV[4] ~= '' then call('HSET', META, 'paused_until', ARGV[4]) else call('HDEL', META, 'paused_until') end
event('paused', '', 'by', ARGV[2], 'why', ARGV[3])
wake()
return 1 - paused
