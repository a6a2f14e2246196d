package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"kenshin/fault"
)

// RoleSQL makes the three roles of a Kenshin database; a PostgreSQL administrator runs it once, as superuser, in the new database
// (docs/guide/postgresql.md). The owner makes and changes tables; the app role, as which Kenshin runs, is bound to one facility per
// transaction by row-level security; the backup role reads every facility and writes nothing.
const RoleSQL = `CREATE ROLE kenshin_owner  LOGIN PASSWORD 'CHANGE-ME-1' NOSUPERUSER NOCREATEROLE NOBYPASSRLS;
CREATE ROLE kenshin_app    LOGIN PASSWORD 'CHANGE-ME-2' NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS;
CREATE ROLE kenshin_backup LOGIN PASSWORD 'CHANGE-ME-3' NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS;
GRANT pg_read_all_data TO kenshin_backup;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
ALTER SCHEMA public OWNER TO kenshin_owner;
GRANT USAGE ON SCHEMA public TO kenshin_app, kenshin_backup;
`

// migratePostgres brings the schema up to date as the owner, when one is given, and then makes sure that the app role may do its work
// and no more.
func (db *DB) migratePostgres(ctx context.Context, o Options) error {
	if o.OwnerURL != "" {
		if err := db.migrateAsOwner(ctx, o); err != nil {
			return err
		}
	}
	have, err := appliedVersions(ctx, db.w)
	if sqlState(err) == "42501" {
		return fault.Wrap(fault.Unavailable, err, "PostgreSQLの役割に権限がありません。所有者の役割を --database-owner で渡して一度起動してください。",
			"The PostgreSQL role lacks its rights. Start once with the owner role in --database-owner.")
	}
	if err != nil {
		return err
	}
	missing, err := compareSchema(have)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		return fault.Newf(fault.Conflict,
			"データベースの形が古いままです(足りない更新 %d 件)。所有者の役割を --database-owner で渡して一度起動してください。",
			"The database's schema is old (%d migrations are missing). Start once with the owner role in --database-owner.", len(missing))
	}
	return checkAppRole(ctx, db.w)
}

func (db *DB) migrateAsOwner(ctx context.Context, o Options) error {
	owner, err := openPostgres(ctx, o.OwnerURL)
	if err != nil {
		return err
	}
	defer owner.Close()
	have, err := appliedVersions(ctx, owner)
	if err != nil {
		return err
	}
	if _, err := compareSchema(have); err != nil {
		return err
	}
	if err := up(ctx, Postgres, owner, nil); err != nil {
		return err
	}
	if err := hardenPolicies(ctx, owner); err != nil {
		return err
	}
	config, err := pgx.ParseConfig(o.URL)
	if err != nil {
		return fmt.Errorf("read the app role's name: %w", err)
	}
	return grant(ctx, owner, config.User)
}

// noFacility names a setting that nobody makes. A session keeps kenshin.facility as ” after the first transaction that set it, so a
// statement outside a facility would see no rows instead of failing; reading this setting fails, and its name says why.
const noFacility = "kenshin.no_facility_was_chosen"

// hardenPolicies makes the policy of every facility's table fail loudly, also in a session that had a facility before.
func hardenPolicies(ctx context.Context, owner *sql.DB) error {
	weak, err := names(ctx, owner, `SELECT c.relname FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid
		WHERE c.relnamespace = 'public'::regnamespace AND p.polname = 'facility' AND pg_get_expr(p.polqual, c.oid) NOT LIKE '%`+noFacility+`%'`)
	if err != nil {
		return err
	}
	rule := "(facility_id = current_setting(CASE current_setting('kenshin.facility') WHEN '' THEN '" + noFacility + "' ELSE 'kenshin.facility' END))"
	for _, t := range weak {
		if _, err := owner.ExecContext(ctx, "ALTER POLICY facility ON "+quote(t)+" USING "+rule+" WITH CHECK "+rule); err != nil {
			return fmt.Errorf("set the policy of %s: %w", t, err)
		}
	}
	return nil
}

// grant lets the app role read and write rows, and nothing else; the migrations table it may only read.
func grant(ctx context.Context, owner *sql.DB, app string) error {
	role := pgx.Identifier{app}.Sanitize()
	tx, err := owner.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("grant: %w", err)
	}
	defer tx.Rollback() //nolint:errcheck // a committed transaction answers ErrTxDone
	for _, s := range []string{
		"SELECT pg_advisory_xact_lock(7310246810)", // two copies that grant at once would collide in the catalogue
		"GRANT USAGE ON SCHEMA public TO " + role,
		"GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO " + role,
		"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO " + role,
		"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO " + role,
		"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO " + role,
		"REVOKE INSERT, UPDATE, DELETE ON goose_db_version FROM " + role,
	} {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("give the app role %s its rights: %w", role, err)
		}
	}
	return tx.Commit()
}

// checkAppRole refuses a role on which row-level security would have no hold.
func checkAppRole(ctx context.Context, app *sql.DB) error {
	var name string
	var super, bypass, owns bool
	err := app.QueryRowContext(ctx, `SELECT r.rolname, r.rolsuper, r.rolbypassrls,
		EXISTS (SELECT 1 FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p')
			AND pg_has_role(r.oid, c.relowner, 'MEMBER'))
		FROM pg_roles r WHERE r.rolname = current_user`).Scan(&name, &super, &bypass, &owns)
	if err != nil {
		return fmt.Errorf("look at the app role: %w", err)
	}
	var ja, en string
	switch {
	case super:
		ja, en = "スーパーユーザー", "a superuser"
	case bypass:
		ja, en = "BYPASSRLS付き", "BYPASSRLS"
	case owns:
		ja, en = "表の所有者", "the owner of the tables"
	default:
		return nil
	}
	return fault.New(fault.Denied,
		fmt.Sprintf("PostgreSQLの役割 %s は%sなので使えません。施設どうしのデータが混ざるのを防げないためです。"+
			"手引き「PostgreSQLで動かす」の通りに専用の役割を作ってください。", name, ja),
		fmt.Sprintf("The PostgreSQL role %s cannot be used, it is %s: nothing would keep facilities apart. "+
			"Make a role of its own as the guide says (PostgreSQLで動かす).", name, en))
}

func connectPostgres(ctx context.Context, o Options) (*DB, error) {
	w, err := openPostgres(ctx, o.URL)
	if err != nil {
		return nil, err
	}
	return &DB{Dialect: Postgres, w: w, r: w}, nil
}

func openPostgres(ctx context.Context, url string) (*sql.DB, error) {
	if _, err := pgx.ParseConfig(url); err != nil {
		return nil, fault.Wrap(fault.Invalid, err, "PostgreSQLの接続先の書き方が正しくありません。postgres://役割:合言葉@ホスト/データベース の形で書いてください。",
			"The PostgreSQL address is malformed. Write postgres://role:password@host/database.")
	}
	pool, err := sql.Open("pgx", url)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL: %w", err)
	}
	pool.SetMaxOpenConns(16)
	pool.SetMaxIdleConns(8)
	if err := pool.PingContext(ctx); err != nil {
		return nil, errors.Join(fault.Wrap(fault.Unavailable, err, "PostgreSQLにつながりません。--database の値とサーバの状態を確かめてください。",
			"PostgreSQL cannot be reached. Check the value of --database and the server's state."), pool.Close())
	}
	return pool, nil
}

// sqlState returns PostgreSQL's five-letter code of err, "" when it has none.
func sqlState(err error) string {
	if e, ok := errors.AsType[interface {
		error
		SQLState() string
	}](err); ok {
		return e.SQLState()
	}
	return ""
}
