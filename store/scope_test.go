package store

import (
	"strings"
	"testing"
)

func TestScope(t *testing.T) {
	s := &scope{tables: map[string]bool{"ledger_devices": true, "ledger_names": true, "event_log": true}}
	tests := []struct {
		name, query string
		ok          bool
	}{
		{"tied", "SELECT name FROM ledger_devices WHERE facility_id = $1 AND id = $2", true},
		{"tied without spaces, other case", "select name from Ledger_Devices where FACILITY_ID=$1", true},
		{"forgotten", "SELECT name FROM ledger_devices WHERE id = $2", false},
		{"only in the answer", "SELECT facility_id, name FROM ledger_devices WHERE id = $2 AND name <> $1", false},
		{"compared in the answer only", "SELECT facility_id = $1 FROM ledger_devices", false},
		{"in a comment", "SELECT name FROM ledger_devices -- WHERE facility_id = $1", false},
		{"in a block comment", "SELECT name FROM ledger_devices /* WHERE facility_id = $1 */ WHERE id = $2", false},
		{"in a string", "SELECT name FROM ledger_devices WHERE name = 'facility_id = $1'", false},
		{"other parameter", "SELECT name FROM ledger_devices WHERE facility_id = $2", false},
		{"$10 is not $1", "SELECT name FROM ledger_devices WHERE facility_id = $10", false},
		{"unequal", "SELECT name FROM ledger_devices WHERE facility_id <> $1", false},
		{"not", "SELECT name FROM ledger_devices WHERE NOT facility_id = $1", false},
		{"not in brackets", "SELECT name FROM ledger_devices WHERE NOT (facility_id = $1)", false},
		{"or", "SELECT name FROM ledger_devices WHERE facility_id = $1 AND a = $2 OR b = $3", false},
		{"or around brackets", "SELECT name FROM ledger_devices WHERE (facility_id = $1 AND a = $2) OR b = $3", false},
		{"or in brackets", "SELECT name FROM ledger_devices WHERE facility_id = $1 AND (a = $2 OR b = $3)", true},
		{"concatenated", "SELECT name FROM ledger_devices WHERE facility_id = $1 || $2", false},
		{"case", "SELECT name FROM ledger_devices WHERE CASE WHEN facility_id = $1 THEN 1 ELSE 1 END = 1", false},
		{"filter", "SELECT count(*) FILTER (WHERE facility_id = $1) FROM ledger_devices", false},
		{"order and limit", "SELECT name FROM ledger_devices WHERE facility_id = $1 ORDER BY name NULLS LAST LIMIT $2", true},
		{"group having", "SELECT kind, count(*) FROM ledger_devices GROUP BY kind, facility_id HAVING facility_id = $1", false},
		{"distinct from", "SELECT name FROM ledger_devices WHERE facility_id = $1 AND a IS DISTINCT FROM $2", true},

		{"join tied by both", "SELECT 1 FROM ledger_devices d JOIN ledger_names n ON n.facility_id = d.facility_id AND n.id = d.id WHERE d.facility_id = $1", true},
		{"join tied by one", "SELECT 1 FROM ledger_devices d JOIN ledger_names n ON n.id = d.id WHERE d.facility_id = $1", false},
		{"join tied to each other only", "SELECT $1 FROM ledger_devices d JOIN ledger_names n ON n.facility_id = d.facility_id", false},
		{"join tied to itself", "SELECT 1 FROM ledger_devices d JOIN ledger_names n ON n.facility_id = n.facility_id WHERE d.facility_id = $1", false},
		{"join by $1", "SELECT 1 FROM ledger_devices AS d JOIN ledger_names AS n ON n.facility_id = $1 AND n.id = d.id WHERE d.facility_id = $1", true},
		{"join using", "SELECT 1 FROM ledger_devices d JOIN ledger_names n USING (facility_id, id) WHERE d.facility_id = $1", true},
		{"join using another column", "SELECT 1 FROM ledger_devices d JOIN ledger_names n USING (id) WHERE d.facility_id = $1", false},
		{"left join", "SELECT 1 FROM ledger_devices d LEFT JOIN ledger_names n ON n.facility_id = d.facility_id WHERE d.facility_id = $1", true},
		{"left join restricts only its right", "SELECT 1 FROM ledger_devices d LEFT JOIN ledger_names n ON n.facility_id = d.facility_id AND d.facility_id = $1", false},
		{"left join restricts only its right, $1 there", "SELECT 1 FROM ledger_devices d LEFT OUTER JOIN ledger_names n ON n.facility_id = $1 AND n.facility_id = d.facility_id", false},
		{"right join", "SELECT 1 FROM ledger_devices d RIGHT JOIN ledger_names n ON n.facility_id = d.facility_id WHERE d.facility_id = $1", false},
		{"comma", "SELECT 1 FROM ledger_devices d, ledger_names n WHERE d.facility_id = $1 AND n.facility_id = $1", true},
		{"comma forgotten", "SELECT 1 FROM ledger_devices d, ledger_names n WHERE d.facility_id = $1", false},
		{"unqualified with two tables", "SELECT 1 FROM ledger_devices d JOIN ledger_names n ON n.id = d.id WHERE facility_id = $1", false},
		{"join in brackets", "SELECT 1 FROM (ledger_devices d JOIN ledger_names n ON n.facility_id = d.facility_id) WHERE d.facility_id = $1", true},
		{"shared table beside", "SELECT 1 FROM ledger_devices d JOIN account_people p ON p.id = d.owner WHERE d.facility_id = $1", true},
		{"shared table only", "SELECT 1 FROM account_people WHERE id = $2", true},
		{"quoted name", `SELECT 1 FROM "ledger_devices" WHERE id = $2`, false},
		{"schema", "SELECT 1 FROM public.ledger_devices WHERE id = $2", false},
		{"only", "SELECT 1 FROM ONLY ledger_devices WHERE id = $2", false},

		{"exists", "SELECT 1 FROM ledger_devices d WHERE d.facility_id = $1 AND EXISTS (SELECT 1 FROM ledger_names n WHERE n.facility_id = d.facility_id)", true},
		{"exists forgotten", "SELECT 1 FROM ledger_devices d WHERE d.facility_id = $1 AND EXISTS (SELECT 1 FROM ledger_names n WHERE n.id = d.id)", false},
		{"in sub-select", "SELECT 1 FROM ledger_devices WHERE facility_id = $1 AND id IN (SELECT id FROM ledger_names WHERE facility_id = $1)", true},
		{"in sub-select forgotten", "SELECT 1 FROM ledger_devices WHERE facility_id = $1 AND id IN (SELECT id FROM ledger_names)", false},
		{"outer forgotten", "SELECT 1 FROM ledger_devices WHERE id IN (SELECT id FROM ledger_names WHERE facility_id = $1)", false},
		{"scalar forgotten", "SELECT (SELECT max(at) FROM event_log) FROM ledger_devices WHERE facility_id = $1", false},
		{"derived", "SELECT 1 FROM (SELECT id FROM ledger_devices WHERE facility_id = $1) x JOIN ledger_names n ON n.id = x.id WHERE n.facility_id = $1", true},
		{"derived forgotten", "SELECT 1 FROM (SELECT id, facility_id FROM ledger_devices) x WHERE x.facility_id = $1", false},
		{"union", "SELECT id FROM ledger_devices WHERE facility_id = $1 UNION ALL SELECT id FROM ledger_names WHERE facility_id = $1", true},
		{"union forgotten", "SELECT id FROM ledger_devices WHERE facility_id = $1 UNION ALL SELECT id FROM ledger_names", false},

		{"cte", "WITH x AS (SELECT id FROM ledger_devices WHERE facility_id = $1) SELECT id FROM x", true},
		{"cte forgotten", "WITH x AS (SELECT id FROM ledger_devices) SELECT id FROM x WHERE $1 = $1", false},
		{"cte joined", "WITH x (a, b) AS (SELECT id, 1 FROM ledger_devices WHERE facility_id = $1), y AS (SELECT a FROM x) SELECT 1 FROM y JOIN ledger_names n ON n.id = y.a AND n.facility_id = $1", true},
		{"cte joined forgotten", "WITH x AS (SELECT id FROM ledger_devices WHERE facility_id = $1) SELECT 1 FROM x JOIN ledger_names n ON n.id = x.id", false},
		{"cte named like a table", "WITH ledger_devices AS (SELECT 1) SELECT id FROM ledger_devices", false},
		{"recursive", "WITH RECURSIVE up(id) AS (SELECT id FROM ledger_devices WHERE facility_id = $1 UNION SELECT d.parent FROM ledger_devices d JOIN up ON up.id = d.id WHERE d.facility_id = $1) SELECT id FROM up", true},
		{"recursive forgotten", "WITH RECURSIVE up(id) AS (SELECT id FROM ledger_devices WHERE facility_id = $1 UNION SELECT d.parent FROM ledger_devices d JOIN up ON up.id = d.id) SELECT id FROM up", false},

		{"insert", "INSERT INTO ledger_devices (facility_id, id) VALUES ($1, $2)", true},
		{"insert many", "INSERT INTO ledger_devices (id, facility_id) VALUES ($2, $1), ($3, $1)", true},
		{"insert many, one astray", "INSERT INTO ledger_devices (id, facility_id) VALUES ($2, $1), ($3, $4)", false},
		{"insert without", "INSERT INTO ledger_devices (id, name) VALUES ($2, $1)", false},
		{"insert another", "INSERT INTO ledger_devices (facility_id, id) VALUES ($2, $1)", false},
		{"insert without columns", "INSERT INTO ledger_devices VALUES ($1, $2)", false},
		{"insert with a call", "INSERT INTO ledger_devices (id, facility_id) VALUES (lower($2), $1)", true},
		{"insert select", "INSERT INTO ledger_devices (facility_id, id) SELECT $1, id FROM ledger_names WHERE facility_id = $1", true},
		{"insert select column", "INSERT INTO ledger_devices (facility_id, id) SELECT n.facility_id, n.id FROM ledger_names n WHERE n.facility_id = $1", true},
		{"insert select forgotten", "INSERT INTO ledger_devices (facility_id, id) SELECT $1, id FROM ledger_names", false},
		{"insert select another", "INSERT INTO ledger_devices (facility_id, id) SELECT $2, id FROM ledger_names WHERE facility_id = $1", false},
		{"upsert", "INSERT INTO ledger_devices (facility_id, id, name) VALUES ($1, $2, $3) ON CONFLICT (facility_id, id) DO UPDATE SET name = excluded.name", true},
		{"upsert with a condition", "INSERT INTO ledger_devices (facility_id, id, n) VALUES ($1, $2, $3) ON CONFLICT (facility_id, id) DO UPDATE SET n = excluded.n WHERE ledger_devices.n < excluded.n RETURNING id", true},
		{"upsert that moves", "INSERT INTO ledger_devices (facility_id, id) VALUES ($1, $2) ON CONFLICT (facility_id, id) DO UPDATE SET facility_id = $3", false},
		{"upsert with a sub-select", "INSERT INTO ledger_devices (facility_id, id) VALUES ($1, $2) ON CONFLICT (facility_id, id) DO UPDATE SET n = (SELECT max(n) FROM ledger_names)", false},

		{"update", "UPDATE ledger_devices SET name = $3 WHERE facility_id = $1 AND id = $2", true},
		{"update all", "UPDATE ledger_devices SET name = $1", false},
		{"update tied only in set", "UPDATE ledger_devices SET facility_id = $1 WHERE id = $2", false},
		{"update that moves", "UPDATE ledger_devices SET name = $3, facility_id = $2 WHERE facility_id = $1", false},
		{"update that moves in a tuple", "UPDATE ledger_devices SET (name, facility_id) = ($3, $2) WHERE facility_id = $1", false},
		{"update from", "UPDATE ledger_devices AS d SET name = n.name FROM ledger_names n WHERE d.facility_id = $1 AND n.facility_id = d.facility_id AND n.id = d.id", true},
		{"update from forgotten", "UPDATE ledger_devices AS d SET name = n.name FROM ledger_names n WHERE d.facility_id = $1 AND n.id = d.id", false},
		{"update from, target forgotten", "UPDATE ledger_devices AS d SET name = n.name FROM ledger_names n WHERE n.facility_id = $1 AND n.id = d.id", false},
		{"delete", "DELETE FROM ledger_devices WHERE facility_id = $1 AND id IN ($2, $3)", true},
		{"delete all", "DELETE FROM ledger_devices", false},
		{"delete all, $1 elsewhere", "DELETE FROM ledger_devices WHERE id <> $1", false},
		{"delete using", "DELETE FROM ledger_devices d USING ledger_names n WHERE d.facility_id = $1 AND n.facility_id = $1 AND n.id = d.id", true},
		{"delete using forgotten", "DELETE FROM ledger_devices d USING ledger_names n WHERE d.facility_id = $1 AND n.id = d.id", false},
		{"for update", "SELECT id FROM ledger_devices WHERE facility_id = $1 FOR UPDATE", true},

		{"two statements", "SELECT 1 FROM ledger_devices WHERE facility_id = $1; DELETE FROM ledger_devices", false},
		{"truncate", "TRUNCATE ledger_devices", false},
		{"set", "SET kenshin.facility = 'x'", false},
		{"pragma", "PRAGMA writable_schema = 1", false},
		{"json_each", "SELECT j.value FROM ledger_devices d, json_each(d.names) j WHERE d.facility_id = $1", true},
		{"no table", "SELECT 1", true},
		{"empty", " -- nothing", false},
		{"open string", "SELECT 'a FROM ledger_devices", false},
		{"final semicolon", "DELETE FROM ledger_devices WHERE facility_id = $1;", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if err := s.check(tt.query, false); (err == nil) != tt.ok {
				t.Errorf("%s\n%v, want ok = %t", tt.query, err, tt.ok)
			}
		})
	}
	if err := s.check("SELECT 1 FROM account_people p WHERE EXISTS (SELECT 1 FROM ledger_devices WHERE facility_id = $1)", true); err == nil {
		t.Error("a shared transaction reached a facility's table")
	}
	if err := s.check("SELECT 1 FROM account_people", true); err != nil {
		t.Error(err)
	}
}

// Whatever the text, the check ends without a panic, and a table that is not tied never passes.
func FuzzScope(f *testing.F) {
	f.Add("SELECT 1 FROM t WHERE facility_id = $1")
	f.Add("WITH a AS (SELECT ((1)) FROM t JOIN u USING (facility_id)) INSERT INTO t (facility_id) SELECT $1 FROM a")
	f.Add("UPDATE t SET (a, facility_id) = (1, $1) FROM (u) WHERE )(")
	s := &scope{tables: map[string]bool{"t": true, "u": true}}
	f.Fuzz(func(t *testing.T, query string) {
		err := s.look(query, false)
		if err == nil && !strings.Contains(query, "$1") {
			tokens, _ := tokenize(query)
			for i, tok := range tokens {
				if i > 0 && tok.kind == word && s.tables[tok.text] && tokens[i-1].text == "from" {
					t.Errorf("passed: %q", query)
				}
			}
		}
	})
}
