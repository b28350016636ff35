-- Gives a change the next number, keeps it for those who miss it, and tells all nodes.
-- KEYS: state, log, then for a change of a key: the key's last change.
-- ARGV: channel, node, change, length of the log, name of the mark or '', most marks, milliseconds to keep a
-- key's last change, '1' where everything from before is forgotten.
local sequence = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
if sequence == 1 then
  -- The server knows nothing of what was before: numbers go on above all that any node can have seen.
  local time = redis.call('TIME')
  local first = string.format('%.0f', time[1] * 1000000 + time[2])
  redis.call('HSET', KEYS[1], 'sequence', first, 'floor', first)
  sequence = redis.call('HINCRBY', KEYS[1], 'sequence', 1)
end
local number = string.format('%.0f', sequence)
redis.call('XADD', KEYS[2], 'MAXLEN', ARGV[4], number .. '-0', 'n', ARGV[2], 'c', ARGV[3])
if ARGV[5] ~= '' then
  redis.call('HSET', KEYS[1], ARGV[5], number .. ':' .. ARGV[3])
end
if ARGV[8] == '1' or redis.call('HLEN', KEYS[1]) > tonumber(ARGV[6]) + 2 then
  -- One floor stands for all marks.
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'sequence', number, 'floor', number)
end
if KEYS[3] then
  redis.call('SET', KEYS[3], number .. ':' .. ARGV[2], 'PX', ARGV[7])
end
redis.call('PUBLISH', ARGV[1], number .. ':' .. ARGV[2] .. ':' .. ARGV[3])
return number
