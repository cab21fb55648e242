-- wrk sends what is prepared in a file, one request a line, in turn, and begins anew at its end.
-- Arguments: the requests (method, path and body, tabs between), their headers (Name: value), and, when the answers
-- are to be looked at, a file to write each to (status, tab, body).
local prepared, turn = {}, 0

function init(arguments)
  local headers = {}
  for line in io.lines(arguments[2]) do
    local name, value = line:match("^([^:]+): (.*)$")
    headers[name] = value
  end
  for line in io.lines(arguments[1]) do
    local method, path, body = line:match("^(%S+)\t(%S+)\t(.*)$")
    if body == "" then body = nil end
    prepared[#prepared + 1] = wrk.format(method, path, headers, body)
  end
  turn = tonumber(arguments[3] or "0") % #prepared
  if arguments[4] then
    local answers = io.open(arguments[4], "w")
    answers:setvbuf("line")
    response = function(status, _, body)
      answers:write(status, "\t", (body:gsub("[\r\n]+", " ")), "\n")
    end
  end
end

function request()
  turn = turn % #prepared + 1
  return prepared[turn]
end
