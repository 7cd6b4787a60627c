-- Decides one request in all windows of its tier and counts it in all or none,
-- as State.Spend of package ratelimit does for a cost of 1.
--
-- KEYS[1]: the hash of the key. ARGV: interval in ns and burst of the second
-- window, limits of minute, hour and day (0: no such window), number and end in
-- Unix seconds of the caller's day.
--
-- With KEYS[2] the caller also tells what it has admitted while Redis was away.
-- ARGV[8] is how many of the day ARGV[9], which ends at ARGV[10], in all; what of
-- it Redis was told before stands under KEYS[2], so that none counts twice.
--
-- The hash, all in whole numbers, 0 where absent:
--   l, b, i   last admission (us), debt at that instant (ns), interval (ns)
--   m, mu     number and use of a minute;  h, hu  of an hour
--   d, du, de number, use and end (s) of a day
--
-- The reply is 1 or 0, the time in us, and the hash's values as they were before
-- the request, with what was told or put right.
-- Lua's numbers are doubles: every one here stays below 2^53 as long as a bucket
-- holds less than 104 days, so all of this is exact.

local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local minute, hour, day = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local today, midnight = tonumber(ARGV[6]), tonumber(ARGV[7])

local time = redis.call('TIME')
local sec = tonumber(time[1])
local now = sec * 1000000 + tonumber(time[2])

local was = redis.call('HMGET', KEYS[1], 'l', 'b', 'i', 'm', 'mu', 'h', 'hu', 'd', 'du', 'de')
for n = 1, 10 do was[n] = tonumber(was[n] or 0) end

-- A hash lives as long as any window in it, also one of an earlier tier, and ten
-- minutes more for callers whose clocks are late. No window lasts three days.
local function calendar(used, stop)
  if used == 0 then return sec end
  return math.min(stop, sec + 259200)
end
local function live(key, ends)
  redis.call('PEXPIREAT', key, string.format('%.0f', (ends + 600) * 1000))
end
local function ends(last, debt, m, mu, h, hu, du, de)
  return math.max(sec, math.ceil(last / 1000000 + debt / 1000000000),
    calendar(mu, (m + 1) * 60), calendar(hu, (h + 1) * 3600), calendar(du, de))
end

if KEYS[2] then
  local count, number, midnight = tonumber(ARGV[8]), tonumber(ARGV[9]), tonumber(ARGV[10])
  local more = count - tonumber(redis.call('GET', KEYS[2]) or 0)
  if more > 0 and was[8] <= number then
    if was[8] < number then was[8], was[9], was[10] = number, 0, midnight end
    was[9] = was[9] + more
    redis.call('HSET', KEYS[1], 'd', ARGV[9], 'du', string.format('%.0f', was[9]), 'de', string.format('%.0f', was[10]))
    live(KEYS[1], ends(was[1], was[2], was[4], was[5], was[6], was[7], was[9], was[10]))
    redis.call('SET', KEYS[2], ARGV[8])
    live(KEYS[2], calendar(count, midnight))
  end
end

-- This clock reads in order, but it may be put back, or a replica with another one
-- takes over. An admission of more than a second ahead was of a clock that was
-- wrong: its debt drains from now on, not from when that comes again.
if was[1] > now + 1000000 then
  was[1] = now
  redis.call('HSET', KEYS[1], 'l', string.format('%.0f', now))
  live(KEYS[1], ends(now, was[2], was[4], was[5], was[6], was[7], was[9], was[10]))
end

-- The bucket at this instant, which is never before the last admission.
local last, debt, unit = was[1], was[2], was[3]
local at = math.max(now, last)
debt = math.max(0, debt - (at - last) * 1000)

-- A window one ahead is that of a clock that was stepped back, and goes on; one
-- further ahead was never right, and its count is taken along.
local function count(number, used, length)
  local current = math.floor(sec / length)
  if number < current then return current, 0 end
  if number == current + 1 then return number, used end
  return current, used
end
local m, mu = count(was[4], was[5], 60)
local h, hu = count(was[6], was[7], 3600)
local d, du, de = today, was[9], midnight
if was[8] ~= today then
  local left = was[10] - sec
  if was[8] < today or left <= 0 then
    du = 0
  elseif left <= 172800 then
    d, de = was[8], was[10]
  end
end

if interval > 0 and debt > math.max(0, burst - 1) * unit
  or minute > 0 and mu + 1 > minute
  or hour > 0 and hu + 1 > hour
  or day > 0 and du + 1 > day then
  return {0, now, unpack(was)}
end

local set = {'HSET', KEYS[1]}
local function put(field, value)
  set[#set + 1] = field
  set[#set + 1] = string.format('%.0f', value)
end

if interval > 0 then
  if debt > 0 and unit ~= interval then
    -- The same number of requests in the new unit, rounded up: debt * interval /
    -- unit by long division, in two steps so that no product grows too large.
    local rest = math.fmod(debt, unit)
    local whole = (debt - rest) / unit
    local low = math.fmod(interval, 32768)
    local part = rest * ((interval - low) / 32768)
    local carry = math.fmod(part, unit)
    debt = whole * interval + (part - carry) / unit * 32768 + math.ceil((carry * 32768 + rest * low) / unit)
  end
  debt = debt + interval
  put('l', at)
  put('b', debt)
  put('i', interval)
end
if minute > 0 then
  mu = mu + 1
  put('m', m)
  put('mu', mu)
end
if hour > 0 then
  hu = hu + 1
  put('h', h)
  put('hu', hu)
end
if day > 0 then
  du = du + 1
  put('d', d)
  put('du', du)
  put('de', de)
end
redis.call(unpack(set))

live(KEYS[1], ends(at, debt, m, mu, h, hu, du, day > 0 and de or was[10]))
return {1, now, unpack(was)}
