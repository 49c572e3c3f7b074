-- Pauses a queue for all its workers at once, or resumes it; running jobs finish.
--
-- ARGV[1] 'pause' or 'resume'   [2] who   [3] why   [4] when the pause ends by itself (epoch ms) or ''
-- Returns 1 if that changed anything, else 0
local paused = call('HEXISTS', META, 'paused')
if ARGV[1] == 'resume' then
  call('HDEL', META, 'paused', 'paused_until')
  if paused == 1 then event('resumed', '', 'by', ARGV[2], 'why', ARGV[3]) end
  wake()
  return paused
end
call('HSET', META, 'paused', cjson.encode({by = ARGV[2], why = ARGV[3], at = now}))
if ARGV[4] ~= '' then call('HSET', META, 'paused_until', ARGV[4]) else call('HDEL', META, 'paused_until') end
event('paused', '', 'by', ARGV[2], 'why', ARGV[3])
wake()
return 1 - paused
