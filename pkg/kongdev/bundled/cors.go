package bundled

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"kong-plugin-auth-diagnosis/pkg/kongdev/exchange"
)

// corsAccess answers preflight requests (plugins/cors/handler.lua).
func corsAccess(x *exchange.Exchange, config map[string]any) error {
	if x.Method != "OPTIONS" || !x.Header.Has("Origin") || !x.Header.Has("Access-Control-Request-Method") {
		return nil
	}
	x.Skip["cors"] = true
	if flag(config, "preflight_continue") {
		return nil
	}
	all := corsOrigin(x, config, false)
	corsCredentials(x, config, all, false)
	if headers := strs(config["headers"]); len(headers) > 0 {
		setOut(x, "Access-Control-Allow-Headers", commas(headers))
	} else if asked, ok := x.Header.Get("Access-Control-Request-Headers"); ok {
		setOut(x, "Access-Control-Allow-Headers", asked)
	} else {
		x.Out.Del("Access-Control-Allow-Headers")
	}
	methods := "GET,HEAD,PUT,PATCH,POST,DELETE,OPTIONS,TRACE,CONNECT"
	if config["methods"] != nil {
		methods = commas(strs(config["methods"]))
	}
	setOut(x, "Access-Control-Allow-Methods", methods)
	if age, ok := config["max_age"].(float64); ok {
		setOut(x, "Access-Control-Max-Age", strconv.FormatFloat(age, 'f', -1, 64))
	}
	if flag(config, "private_network") && x.Header.Value("Access-Control-Request-Private-Network") == "true" {
		setOut(x, "Access-Control-Allow-Private-Network", "true")
	}
	x.Delayed, x.Source = &exchange.Answer{Status: 200}, exchange.SourceExit
	return nil
}

// corsHeaderFilter adds the headers of every other response.
func corsHeaderFilter(x *exchange.Exchange, config map[string]any) error {
	if x.Skip["cors"] {
		return nil
	}
	all := corsOrigin(x, config, true)
	corsCredentials(x, config, all, true)
	if exposed := strs(config["exposed_headers"]); len(exposed) > 0 {
		setOut(x, "Access-Control-Expose-Headers", commas(exposed))
	}
	return nil
}

func vary(x *exchange.Exchange, filter bool) {
	if filter {
		x.Out.Add("vary", "Origin")
		return
	}
	setOut(x, "vary", "Origin")
}

var plainOrigin = regexp.MustCompile(`^[A-Za-z0-9.:/-]+$`)

// corsOrigin sets Access-Control-Allow-Origin and reports whether it is "*".
func corsOrigin(x *exchange.Exchange, config map[string]any, filter bool) bool {
	const header = "Access-Control-Allow-Origin"
	origins := strs(config["origins"])
	if len(origins) == 0 || len(origins) == 1 && origins[0] == "*" {
		setOut(x, header, "*")
		return true
	}
	vary(x, filter)
	if len(origins) == 1 && plainOrigin.MatchString(origins[0]) {
		setOut(x, header, origins[0])
		return false
	}
	if origin, ok := x.Header.Get("Origin"); ok {
		if slices.Contains(origins, "*") {
			setOut(x, header, "*")
			return true
		}
		domain, host := normalizeOrigin(origin)
		for _, entry := range origins {
			if originMatches(entry, domain, host) {
				setOut(x, header, domain)
				return false
			}
		}
	}
	x.Out.Del(header)
	return false
}

func originMatches(entry, domain, host string) bool {
	if plainOrigin.MatchString(entry) {
		want, _ := normalizeOrigin(entry)
		return want == domain
	}
	re, err := regexp.Compile("^(?:" + strings.TrimSuffix(strings.TrimPrefix(entry, "^"), "$") + ")$")
	if err != nil {
		return false
	}
	if strings.Contains(entry, ":") {
		return re.MatchString(domain)
	}
	return re.MatchString(host)
}

// normalizeOrigin drops a default port.
func normalizeOrigin(origin string) (domain, host string) {
	u, err := url.Parse(origin)
	if err != nil || u.Hostname() == "" {
		return origin, origin
	}
	port := u.Port()
	if u.Scheme == "http" && port == "80" || u.Scheme == "https" && port == "443" {
		port = ""
	}
	domain = u.Scheme + "://" + u.Hostname()
	if port != "" {
		domain += ":" + port
	}
	return domain, u.Hostname()
}

func corsCredentials(x *exchange.Exchange, config map[string]any, all, filter bool) {
	if !flag(config, "credentials") {
		return
	}
	if all {
		origin, ok := x.Header.Get("Origin")
		if !ok {
			return
		}
		vary(x, filter)
		setOut(x, "Access-Control-Allow-Origin", origin)
	}
	setOut(x, "Access-Control-Allow-Credentials", "true")
}
