package scenarios

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/mqsim/mqsim/faults"
	"github.com/mqsim/mqsim/models"
)

//go:generate go run ../cmd/mqsim schema -o scenario.schema.json

// Schema is the JSON Schema (draft 2020-12) of a scenario, made from the tables that the loader reads by, so
// that an editor completes and checks what Load accepts. It is looser than Load where the right answer
// depends on the rest of the file: versions, selectors, names of hosts, sums of rates.
func Schema() []byte {
	defs := js{
		"duration":  spanText(`^0$|^-?([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$`, "a duration: 500ms, 10s, 2m"),
		"range":     spanText(`^0$|^([0-9.]+(ns|us|µs|ms|s|m|h))+( *\.\. *([0-9.]+(ns|us|µs|ms|s|m|h))+)?$`, "a time, or a range that the seed draws from: 10s, 10s..12s"),
		"size":      text(`^[0-9.]+(B|kB|KB|KiB|MB|MiB|GB|GiB|TB|TiB)$`, "a size: 256B, 1KiB, 16MB"),
		"bandwidth": text(`^[0-9.]+(B|kB|KB|KiB|MB|MiB|GB|GiB|TB|TiB|[kKMG]bit)(/s)?$`, "per second: 16MB, 10Gbit"),
		"share":     text(`^[0-9.]+%$`, "a share: 25%"),
		"selector":  js{"type": "string", "description": meaningOf(keyMeanings, "selector")},
		"text":      js{"anyOf": []any{js{"type": "string"}, mappingOf(js{"en": str(""), "zh": str("")})}},
		"words":     listOfWords(),
		"rate":      rateSchema(),
		"operation": operationSchema(),
		"fault":     faultSchema(),
		"check":     checkSchema(),
		"stream":    streamSchema(),
		"entry":     entrySchema(tables...),
	}
	for _, of := range append([][]*models.Table{tables}, each(tables)...) {
		for _, sec := range []models.Section{models.Broker, models.Topic, models.Queue, models.Policy} {
			defs[defName(sec, of)] = sectionSchema(sec, of)
		}
		defs[defName(models.ProducerSection, of)] = clientGroup(models.ProducerSection, of, nil)
		defs[defName(models.ConsumerSection, of)] = clientGroup(models.ConsumerSection, of, nil)
		if len(of) == 1 {
			defs["entry-"+of[0].Model] = entrySchema(of...)
		}
	}
	top := topSchema()
	top["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	top["title"] = "mqsim scenario"
	top["$defs"] = defs
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", " ")
	if err := enc.Encode(top); err != nil {
		panic("scenarios: the schema is no JSON: " + err.Error())
	}
	return b.Bytes()
}

func each(list []*models.Table) (out [][]*models.Table) {
	for i := range list {
		out = append(out, list[i:i+1])
	}
	return out
}

// defName is where the schema of a section in some models stands: all, or one.
func defName(sec models.Section, of []*models.Table) string {
	if len(of) == 1 {
		return sec.String() + "-" + of[0].Model
	}
	return sec.String()
}

// js is a piece of a schema.
type js = map[string]any

func ref(def string) js { return js{"$ref": "#/$defs/" + def} }

// text is a string of a certain form.
func text(pattern, doc string) js {
	return js{"type": "string", "pattern": pattern, "description": doc}
}

// spanText is a duration; YAML reads a plain 0 as a number, which is nought in every unit.
func spanText(pattern, doc string) js {
	return js{"anyOf": []any{js{"type": "string", "pattern": pattern}, js{"const": 0}}, "description": doc}
}

func str(doc string) js { return described(js{"type": "string"}, doc) }

func described(s js, doc string) js {
	if doc != "" {
		s["description"] = doc
	}
	return s
}

func oneOf(doc string, words ...string) js { return described(js{"enum": words}, doc) }

func integer(least, most int64) js { return js{"type": "integer", "minimum": least, "maximum": most} }

func boolean() js { return js{"type": "boolean"} }

func arrayOf(item js) js { return js{"type": "array", "items": item} }

func listOfWords() js {
	return arrayOf(js{"type": []string{"string", "number", "boolean"}})
}

// mappingOf is a mapping with these keys and the user's own x-*.
func mappingOf(props js, required ...string) js {
	s := js{"type": "object", "properties": props, "patternProperties": js{"^x-": true}, "additionalProperties": false}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

func meaningOf(list []meaning, word string) string {
	for _, m := range list {
		if m.word == word {
			return m.text.En
		}
	}
	return ""
}

func topSchema() js {
	network := mappingOf(js{"latency": ref("duration"), "jitter": ref("duration"), "bandwidth": ref("bandwidth")})
	disk := mappingOf(js{"write": ref("duration"), "fsync": ref("duration"), "bandwidth": ref("bandwidth"), "randomAccess": ref("duration"), "capacity": ref("size")})
	cpu := mappingOf(js{"cores": integer(1, 256), "shared": boolean(), "memory": ref("size")})
	boot := js{"os": ref("range")}
	systems := js{}
	for _, t := range tables {
		boot[t.Model] = ref("range")
		systems[t.Model] = js{"if": js{"type": "object", "anyOf": []any{js{"required": []string{"model"}}, js{"required": []string{"like"}}}},
			"then": ref("entry"), "else": ref("entry-" + t.Model)}
	}
	props := js{
		"name": str("the name of the scenario"), "title": ref("text"), "lesson": ref("text"),
		"teaches": js{"type": "array", "items": js{"enum": questionIDs()}, "uniqueItems": true},
		"seed":    described(integer(0, 1<<62), meaningOf(keyMeanings, "seed")), "duration": ref("duration"),
		"warmup": ref("duration"), "drain": mappingOf(js{"quiet": ref("duration"), "limit": ref("duration")}),
		"outageThreshold": ref("duration"), "slo": ref("duration"), "workload": workloadSchema(),
		"streams": arrayOf(ref("stream")), "hardware": oneOf(meaningOf(keyMeanings, "hardware"), profileNames()...),
		"network": network, "disk": disk, "cpu": cpu, "boot": mappingOf(boot),
		"systems": js{"type": "object", "properties": systems, "patternProperties": js{"^x-": true}, "minProperties": 1, "additionalProperties": ref("entry")},
		"setup":   arrayOf(ref("operation")), "operations": arrayOf(ref("operation")), "faults": arrayOf(ref("fault")),
		"expect": js{"type": "object", "patternProperties": js{"^x-": true}, "additionalProperties": arrayOf(ref("check"))},
	}
	return mappingOf(props, "name", "duration", "systems")
}

func workloadSchema() js {
	return mappingOf(js{"topics": integer(1, maxStreams), "partitionsPerTopic": integer(1, maxPartitions), "messageSize": ref("size"),
		"producersPerTopic": integer(0, maxClients), "producerRate": ref("rate"), "consumersPerTopic": integer(0, maxClients)})
}

func rateSchema() js {
	step := js{"anyOf": []any{js{"type": "number", "minimum": 0}, js{"const": "max"}}}
	return js{"anyOf": []any{step, arrayOf(mappingOf(js{"from": ref("duration"), "rate": step}, "from", "rate"))},
		"description": meaningOf(keyMeanings, "rate")}
}

func checkSchema() js {
	long := mappingOf(js{"check": str("METRIC[.PART] [of SCOPE] OP VALUE"), "during": str("steady, fault, recovery, or the name of a fault or operation"),
		"after": str("the name of a fault"), "because": ref("text")}, "check")
	return js{"anyOf": []any{str("METRIC[.PART] [of SCOPE] OP VALUE: lost == 0, failover in 12s..23s"), long}}
}

func whenSchema() js {
	events := slices.Clone(commonEvents)
	for _, t := range tables {
		for _, e := range t.Events {
			if !contains(events, e.Name) {
				events = append(events, e.Name)
			}
		}
	}
	return mappingOf(js{"event": oneOf("", events...), "host": str(""), "partition": str(""), "nth": integer(1, 1_000_000),
		"delay": ref("duration"), "after": str("the name of a fault")}, "event")
}

// faultSchema is a mapping with the keys of every fault and of every action, and for each action a rule that
// leaves only its own.
func faultSchema() js {
	props := js{
		"name": str(""), "at": ref("range"), "duration": ref("duration"), "every": ref("duration"), "times": integer(1, 10_000),
		"when": whenSchema(), "selector": ref("selector"), "mode": oneOf(meaningOf(keyMeanings, "mode"), faults.Modes()...),
		"value": integer(1, 1000), "stagger": described(ref("duration"), meaningOf(keyMeanings, "stagger")), "systems": ref("words"),
		"optional":  described(boolean(), meaningOf(keyMeanings, "optional")),
		"permanent": described(boolean(), meaningOf(keyMeanings, "permanent")), "boot": ref("range"),
	}
	for key, s := range actionKeySchemas() {
		props[key] = s
	}
	var words, docs []string
	var rules []any
	for _, a := range actions {
		words = append(words, a.name)
		docs = append(docs, meaningOf(actionMeanings, a.name))
		rules = append(rules, onlyWith("action", a.name, append(slices.Clone(faultKeys), a.keys...), a.needs))
	}
	props["action"] = js{"enum": words, "enumDescriptions": docs}
	s := mappingOf(props, "action")
	s["allOf"] = rules
	s["oneOf"] = []any{js{"required": []string{"at"}}, js{"required": []string{"when"}}}
	return s
}

// onlyWith is the rule that with this word only these keys may stand, and some must.
func onlyWith(key, word string, keys, needs []string) js {
	then := js{"propertyNames": js{"anyOf": []any{js{"enum": keys}, js{"pattern": "^x-"}}}}
	if len(needs) > 0 {
		then["required"] = needs
	}
	return js{"if": js{"properties": js{key: js{"const": word}}, "required": []string{key}}, "then": then}
}

// actionKeySchemas are the keys of actions beside those of every fault.
func actionKeySchemas() js {
	sides := arrayOf(ref("selector"))
	return js{
		"process": str("server, or the model's word"), "crash": oneOf("", crashWords...),
		"between": js{"type": "array", "items": ref("selector"), "minItems": 2, "maxItems": 2},
		"groups":  js{"type": "array", "items": sides, "minItems": 2}, "shape": oneOf("", shapeWords...),
		"direction": oneOf("packets to or from the first side", directionWords...), "port": oneOf("", portWords...), "style": oneOf("", styleWords...),
		"clients": js{"anyOf": []any{js{"enum": clientWords}, ref("words")}},
		"latency": ref("duration"), "jitter": ref("duration"),
		"percent": js{"anyOf": []any{js{"type": "number", "exclusiveMinimum": 0, "maximum": 100}, ref("share")}}, "rate": ref("bandwidth"),
		"ops": js{"type": "array", "items": js{"enum": opWords}, "minItems": 1, "uniqueItems": true}, "path": str("a path or a pattern: *.log, t0-0/*"),
		"factor": js{"type": "number", "exclusiveMinimum": 1, "maximum": 1_000_000}, "error": oneOf("", "EIO"),
		"disk": described(integer(0, 15), "the number of the disk, from 0; without it all"), "fill": ref("share"), "free": ref("size"), "used": ref("share"),
		"what": oneOf("", damageWords...), "offset": js{"anyOf": []any{integer(0, maxBytes), js{"const": "random"}}}, "bytes": integer(1, 1<<30),
		"by": ref("duration"), "ppm": integer(-500_000, 500_000),
	}
}

func operationSchema() js {
	props := js{
		"name": str(""), "at": ref("range"), "when": whenSchema(), "selector": ref("selector"), "systems": ref("words"),
		"must":  oneOf("how it must be answered, else the run is INVALID", "succeed", "fail"),
		"order": ref("words"), "wait": oneOf("", waitWords...), "pause": ref("duration"), "settings": ref("broker"),
		"for": ref("duration"), "until": str("an event"), "pattern": str("a regular expression"), "definition": js{"type": "object"},
		"role": oneOf("", "ASYNC_MASTER", "SYNC_MASTER"), "took": ref("duration"), "group": str(""), "partition": str(""), "to": ref("words"),
		"queue": str(""), "node": str(""), "rate": ref("rate"),
	}
	var words, docs []string
	var rules []any
	for _, o := range operations {
		words = append(words, o.name)
		docs = append(docs, meaningOf(operationMeanings, o.name))
		needs := slices.DeleteFunc(slices.Clone(o.needs), func(k string) bool { return k == "node" })
		rules = append(rules, onlyWith("do", o.name, append(slices.Clone(operationKeys), o.keys...), needs))
	}
	props["do"] = js{"enum": words, "enumDescriptions": docs}
	s := mappingOf(props, "do")
	s["allOf"] = rules
	return s
}

func streamSchema() js {
	return mappingOf(js{
		"name": str(""), "partitions": integer(1, maxPartitions), "messageSize": ref("size"), "home": str("a host"), "assignment": assignmentSchema(),
		"topic": ref("topic"), "queue": ref("queue"), "policy": ref("policy"),
		"backlog":   mappingOf(js{"messages": integer(1, 100_000_000)}, "messages"),
		"producers": arrayOf(clientGroup(models.ProducerSection, tables, js{"count": integer(1, maxClients), "rate": ref("rate"), "to": ref("words")}, "rate")),
		"consumers": arrayOf(clientGroup(models.ConsumerSection, tables, js{"count": integer(1, maxClients)})),
	})
}

func assignmentSchema() js { return arrayOf(arrayOf(integer(0, 1000))) }

// clientGroup are the keys of producers or consumers: those of the language, those of the manuals, and more.
func clientGroup(sec models.Section, of []*models.Table, more js, required ...string) js {
	props := settingProps(sec, of)
	own := producerKeySchemas()
	if sec == models.ConsumerSection {
		own = consumerKeySchemas()
	}
	for _, m := range []js{own, more} {
		for key, s := range m {
			props[key] = s
		}
	}
	return mappingOf(props, required...)
}

func producerKeySchemas() js {
	return js{
		"at": str("the server it connects to first"), "stay": boolean(), "reconnect": ref("duration"), "arrivals": oneOf("", "even", "poisson"),
		"maxInFlight": described(integer(1, 1_000_000), meaningOf(keyMeanings, "maxInFlight")), "send": oneOf("", "async", "sync", "oneway"),
		"missed": oneOf(meaningOf(keyMeanings, "missed"), "late", "drop"), "resend": oneOf(meaningOf(keyMeanings, "resend"), "never", "rejected", "unknown"),
		"route": oneOf("", "client", "each"), "keys": integer(0, 1_000_000), "heartbeat": ref("duration"),
		"declare": oneOf("", "once", "reconnect", "passive", "never"),
	}
}

func consumerKeySchemas() js {
	return js{
		"at": str("the server it connects to first"), "stay": boolean(), "group": str(""), "prefetch": integer(0, 65535),
		"start": js{"anyOf": []any{ref("duration"), js{"const": "drain"}}}, "process": ref("duration"), "fail": ref("share"),
		"ack": oneOf("", "after", "before", "auto"), "orderly": boolean(),
	}
}

// entrySchema is a system entry of one model, or of any.
func entrySchema(of ...*models.Table) js {
	var versions []string
	var quirks []string
	for _, t := range of {
		for _, v := range t.Versions {
			versions = append(versions, v.Name)
		}
		for i := range t.Quirks {
			quirks = append(quirks, t.Quirks[i].Name, "-"+t.Quirks[i].Name)
		}
	}
	props := settingProps(models.Topology, of)
	for key, s := range (js{
		"model": oneOf("", modelNames...), "like": described(str(""), meaningOf(keyMeanings, "like")),
		"version": js{"type": "string", "examples": versions}, "streams": arrayOf(ref("stream")), "boot": ref("range"),
		"home": js{"anyOf": []any{str("a host"), ref("words")}}, "assignment": assignmentSchema(), "controller": str("a host"),
		"hosts":  js{"type": "object", "additionalProperties": ref(defName(models.Broker, of))},
		"quirks": js{"type": "array", "items": js{"enum": quirks}},
	}) {
		props[key] = s
	}
	for _, t := range of {
		for _, sec := range t.Sections {
			props[sec.String()] = ref(defName(sec, of))
		}
	}
	for key, s := range props { // a key without a value takes away what like: brought
		props[key] = js{"anyOf": []any{s, js{"type": "null"}}}
	}
	return js{"anyOf": []any{mappingOf(props), js{"type": "null"}}}
}

func sectionSchema(sec models.Section, of []*models.Table) js {
	s := mappingOf(settingProps(sec, of))
	if sec == models.Queue {
		delete(s, "patternProperties") // x-* are arguments of queues
	}
	return s
}

// settingProps are the settings of a section in some models; one that several have may be written for any.
func settingProps(sec models.Section, of []*models.Table) js {
	props := js{}
	for _, t := range of {
		for _, name := range t.NamesIn(sec) {
			s := settingSchema(t.Model, t.Find(sec, name))
			if was, ok := props[name]; ok {
				s = js{"anyOf": []any{was, s}}
			}
			props[name] = s
		}
	}
	return props
}
