-- Counts a duplicate against the job that holds its key, if one really does.
--
-- ARGV[1] deduplication key   [2] mode
-- Returns {id of the holder, its state}, or nothing when the key is free, reserved or may be taken over
local holder = call('GET', PREFIX .. 'dedup:' .. ARGV[1])
if not holder or string.sub(holder, 1, 2) == 'r:' then return {} end
local state = call('HGET', JOB .. holder, 'state')
if ARGV[2] ~= 'ttl' and (not state or is_finished(state)) then return {} end
call('HINCRBY', META, 'dedup_hits', 1)
if state then
  call('HINCRBY', JOB .. holder, 'absorbed', 1)
  event('deduplicated', holder)
end
return {holder, state or 'completed'}
