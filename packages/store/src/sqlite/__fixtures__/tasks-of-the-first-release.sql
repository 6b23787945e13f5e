BEGIN TRANSACTION;
CREATE TABLE store_schema (kind TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
INSERT INTO "store_schema" VALUES('tasks',1);
CREATE TABLE tasks (
       number INTEGER PRIMARY KEY,
       client TEXT NOT NULL,
       task_id TEXT NOT NULL,
       idempotency_key TEXT NOT NULL,
       body_hash TEXT NOT NULL,
       type TEXT NOT NULL,
       priority TEXT NOT NULL,
       created_at_ms INTEGER NOT NULL,
       deadline_ms INTEGER NOT NULL,
       body BLOB NOT NULL,
       state TEXT NOT NULL,
       fence INTEGER NOT NULL,
       messaged_at_ms INTEGER,
       finished_at_ms INTEGER,
       result BLOB,
       UNIQUE (client, task_id),
       UNIQUE (client, idempotency_key)
     ) STRICT;
INSERT INTO "tasks" VALUES(1,'acmelegal','task-1','key-1','hash-1','text_gen','background',1000,61000,X'010203','running',1,NULL,NULL,NULL);
CREATE INDEX tasks_by_time ON tasks(created_at_ms);
CREATE INDEX tasks_by_client ON tasks(client, created_at_ms);
CREATE INDEX tasks_by_state ON tasks(state, created_at_ms);
CREATE INDEX tasks_unfinished ON tasks(coalesce(messaged_at_ms, created_at_ms)) WHERE finished_at_ms IS NULL;
COMMIT;
