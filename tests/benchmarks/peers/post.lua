-- What wrk sends: the body in the file BENCH_BODY, with the token BENCH_TOKEN if there is one.
-- Its last line of output is JSON: what came back within how many seconds.
local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
wrk.method = "POST"
wrk.body = file:read("*a")
wrk.headers["Content-Type"] = "application/json"
file:close()

local token = os.getenv("BENCH_TOKEN")
if token then wrk.headers["Authorization"] = "Bearer " .. token end

function done(summary)
  local errors = summary.errors
  local wrong = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '\n{"requests":%d,"seconds":%.6f,"wrong":%d}\n', summary.requests, summary.duration / 1e6, wrong
  ))
end
