"""Evidence is append-only: the database itself refuses to change or delete it.

One change of a statement is allowed, its erasure: salt and text are emptied and the state says so.
"""

from typing import Any

from django.db import migrations

_STATEMENT_KEEPS = (
    "NEW.seq = OLD.seq AND NEW.id = OLD.id AND NEW.log_id = OLD.log_id AND NEW.type = OLD.type"
    " AND NEW.at = OLD.at AND (NEW.state = 'erased' OR OLD.state <> 'erased')"
)
_SQLITE = (
    """CREATE TRIGGER store_entry_no_update BEFORE UPDATE ON store_entry
    BEGIN SELECT RAISE(ABORT, 'store_entry is append-only'); END""",
    """CREATE TRIGGER store_entry_no_delete BEFORE DELETE ON store_entry
    BEGIN SELECT RAISE(ABORT, 'store_entry is append-only'); END""",
    """CREATE TRIGGER store_statement_no_delete BEFORE DELETE ON store_statement
    BEGIN SELECT RAISE(ABORT, 'store_statement is append-only'); END""",
    f"""CREATE TRIGGER store_statement_erasure_only BEFORE UPDATE ON store_statement
    WHEN NOT (NEW.state IN ('restricted', 'erased') AND {_STATEMENT_KEEPS} AND
      ((NEW.state = 'erased' AND length(NEW.salt) = 0 AND length(NEW.text) = 0) OR
       (NEW.salt = OLD.salt AND NEW.text = OLD.text)))
    BEGIN SELECT RAISE(ABORT, 'a statement is only ever erased'); END""",
)
_POSTGRESQL = (
    """CREATE FUNCTION store_append_only() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$""",
    """CREATE TRIGGER store_entry_no_change BEFORE UPDATE OR DELETE ON store_entry
    FOR EACH ROW EXECUTE FUNCTION store_append_only()""",
    """CREATE TRIGGER store_statement_no_delete BEFORE DELETE ON store_statement
    FOR EACH ROW EXECUTE FUNCTION store_append_only()""",
    f"""CREATE TRIGGER store_statement_erasure_only BEFORE UPDATE ON store_statement FOR EACH ROW
    WHEN (NOT (NEW.state IN ('restricted', 'erased') AND {_STATEMENT_KEEPS} AND
      ((NEW.state = 'erased' AND length(NEW.salt) = 0 AND length(NEW.text) = 0) OR
       (NEW.salt = OLD.salt AND NEW.text = OLD.text))))
    EXECUTE FUNCTION store_append_only()""",
)


def lay_triggers(apps: Any, schema_editor: Any) -> None:
    by_vendor = {"sqlite": _SQLITE, "postgresql": _POSTGRESQL}
    for statement in by_vendor[schema_editor.connection.vendor]:
        schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("store", "0001_initial")]
    operations = [migrations.RunPython(lay_triggers, migrations.RunPython.noop)]
