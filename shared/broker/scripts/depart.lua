-- A worker's last word: it has ended, and nobody need wait until its sign of life runs out.
--
-- ARGV[1] worker
-- Returns 1
call('ZREM', PREFIX .. 'alive', ARGV[1])
call('HDEL', PREFIX .. 'descriptions', ARGV[1])
call('HDEL', PREFIX .. 'orders', ARGV[1])
call('UNLINK', PREFIX .. 'control:' .. ARGV[1])
return 1
