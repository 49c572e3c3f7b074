-- Removes finished jobs by age, at most 1,000 of each state a call.
--
-- ARGV[1] completed and cancelled ones finished this many ms ago or earlier   [2] the same for failed ones   [3] who, or ''
-- Returns {completed removed, failed removed, cancelled removed}
local removed = {}
for i, state in ipairs({'completed', 'failed', 'cancelled'}) do
  local age = state == 'failed' and ARGV[2] or ARGV[1]
  local old = call('ZRANGEBYSCORE', PREFIX .. state, '-inf', now - tonumber(age), 'LIMIT', 0, 1000)
  for _, id in ipairs(old) do
    call('ZREM', PREFIX .. state, id)
    call('UNLINK', JOB .. id)
  end
  removed[i] = #old
end
if ARGV[3] ~= '' and removed[1] + removed[2] + removed[3] > 0 then
  event('cleaned', '', 'by', ARGV[3], 'completed', removed[1], 'failed', removed[2])
end
return removed
