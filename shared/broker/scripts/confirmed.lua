-- Added behind lib.lua where replicas are waited for: a write of its own for every call.
--
-- WAIT covers what its own connection wrote. A repeated call may find its job there already and have nothing to write;
-- without this it would be confirmed at once, although the replicas may not have the job yet.
call('SET', PREFIX .. 'confirmed', NOW, 'PX', 60000)
