-- Spends tokens of every bucket in KEYS, or of none.
-- ARGV: at least, at most, given back; then each bucket's limit, period in microseconds, and burst.
-- A bucket is stored as the time at which it will be full, in whole microseconds and in parts of one
-- (a microsecond has as many parts as the limit), so that every number is an integer and none is lost.
local at_least, at_most, given_back = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

-- Returns what a bucket owes once `tokens` more are spent.
local function spent(bucket, tokens)
  local parts = bucket.parts + tokens * bucket.rest
  return bucket.owed + tokens * bucket.token + math.floor(parts / bucket.limit), parts % bucket.limit
end

-- Returns how many microseconds are missing until as many can be spent, at most zero where they can.
local function missing(bucket, tokens)
  local owed, parts = spent(bucket, tokens)
  local wait = owed - bucket.capacity
  if parts > bucket.capacity_parts then wait = wait + 1 end
  return wait
end

local buckets = {}
local grant = at_most
for i, key in ipairs(KEYS) do
  local limit, period, burst = tonumber(ARGV[3 * i + 1]), tonumber(ARGV[3 * i + 2]), tonumber(ARGV[3 * i + 3])
  local bucket = { limit = limit, token = math.floor(period / limit), rest = period % limit, owed = 0, parts = 0 }
  bucket.capacity = burst * bucket.token + math.floor(burst * bucket.rest / limit)
  bucket.capacity_parts = burst * bucket.rest % limit
  local stored = redis.call('GET', key)
  if stored then
    local full_at, parts = string.match(stored, '^(%d+) (%d+)$')
    local owed = full_at and tonumber(full_at) - now or -1
    if owed >= 0 then
      bucket.owed, bucket.parts = owed, tonumber(parts) % limit
    end
  end
  if given_back > 0 then
    bucket.owed, bucket.parts = spent(bucket, -given_back)
    if bucket.owed < 0 then bucket.owed, bucket.parts = 0, 0 end
  end
  -- An estimate that rounding puts off by one at most.
  local free = bucket.capacity - bucket.owed + (bucket.capacity_parts - bucket.parts) / limit
  local fits = math.max(math.floor(free / (period / limit)) + 1, 0)
  while fits > 0 and missing(bucket, fits) > 0 do fits = fits - 1 end
  grant = math.min(grant, fits)
  buckets[i] = bucket
end

local wait = 0
if grant < at_least then
  grant = 0
  for _, bucket in ipairs(buckets) do wait = math.max(wait, missing(bucket, at_least)) end
end
local reply = { grant, wait }
for i, key in ipairs(KEYS) do
  local bucket = buckets[i]
  bucket.owed, bucket.parts = spent(bucket, grant)
  if grant > 0 or given_back > 0 then
    local full_at = string.format('%.0f %.0f', now + bucket.owed, bucket.parts)
    -- Kept until it is full, and a little longer rather than shorter.
    redis.call('SET', key, full_at, 'PX', string.format('%.0f', math.floor(bucket.owed / 1000) + 1))
  end
  reply[i + 2] = bucket.owed + (bucket.parts > 0 and 1 or 0)
end
return reply
