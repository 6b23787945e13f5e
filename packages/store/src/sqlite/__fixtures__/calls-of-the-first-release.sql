BEGIN TRANSACTION;
CREATE TABLE calls (
       number INTEGER PRIMARY KEY,
       attempt_id TEXT NOT NULL UNIQUE,
       writer_rank INTEGER NOT NULL,
       task_id TEXT NOT NULL,
       decision_id TEXT,
       attempt INTEGER NOT NULL,
       revision INTEGER NOT NULL,
       client TEXT NOT NULL,
       project TEXT,
       reflex TEXT,
       task_type TEXT NOT NULL,
       model TEXT,
       model_name TEXT,
       model_version TEXT,
       provider TEXT,
       worker_id TEXT,
       data_class TEXT,
       priority TEXT NOT NULL,
       started_at_ms INTEGER NOT NULL,
       duration_ms INTEGER NOT NULL,
       first_content_ms INTEGER,
       outcome TEXT NOT NULL,
       fine TEXT NOT NULL,
       reason TEXT,
       finish TEXT,
       input_tokens INTEGER,
       output_tokens INTEGER,
       cached_input_tokens INTEGER,
       reasoning_tokens INTEGER,
       is_usage_estimated INTEGER,
       output_chars INTEGER NOT NULL,
       cost_nano_usd INTEGER,
       price_input INTEGER,
       price_output INTEGER,
       is_streamed INTEGER NOT NULL
     ) STRICT;
INSERT INTO "calls" VALUES(1,'attempt-1',3,'task-1','decision-1',1,7,'acmelegal','contracts','summarise','text_gen','gpt-4','GPT-4','2024-08-06','openai-compatible','worker-1','customer-sensitive','normal',1000000,812,230,'Success','Success',NULL,'stop',120,48,20,5,0,201,1234567,2500000000,10000000000,1);
INSERT INTO "calls" VALUES(2,'attempt-2',3,'task-2','decision-1',1,7,'globex','contracts','summarise','text_gen','gpt-4','GPT-4','2024-08-06','openai-compatible','worker-1','customer-sensitive','normal',90000000,812,230,'Timeout','Deadline',NULL,'stop',NULL,NULL,NULL,NULL,NULL,201,NULL,NULL,NULL,1);
CREATE TABLE decisions (
       decision_id TEXT PRIMARY KEY,
       task_id TEXT NOT NULL,
       set_id TEXT NOT NULL,
       at_ms INTEGER NOT NULL,
       body TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
INSERT INTO "decisions" VALUES('decision-1','task-1','set-1',1000000,'{"decisionId":"decision-1","taskId":"task-1","setId":"set-1","revision":7,"atMs":1000000,"order":["gpt-4","llama"],"skipped":[],"seed":"9223372036854775809","live":[],"stateDigest":"digest","setDecidedAtMs":999000}');
CREATE TABLE intents (
       attempt_id TEXT PRIMARY KEY,
       deadline_ms INTEGER NOT NULL,
       record TEXT NOT NULL
     ) STRICT, WITHOUT ROWID;
INSERT INTO "intents" VALUES('attempt-3',5,'{"attemptId":"attempt-3","taskId":"task-1","decisionId":"decision-1","attempt":1,"revision":7,"client":"acmelegal","project":"contracts","reflex":"summarise","taskType":"text_gen","model":"gpt-4","modelName":"GPT-4","modelVersion":"2024-08-06","provider":"openai-compatible","workerId":"worker-1","dataClass":"customer-sensitive","priority":"normal","startedAtMs":1000000,"durationMs":812,"firstContentMs":230,"outcome":"Success","fine":"Success","finish":"stop","usage":{"inputTokens":120,"outputTokens":48,"cachedInputTokens":20,"reasoningTokens":5,"estimated":false},"outputChars":201,"costNanoUsd":"1234567","price":{"input":2500000000,"output":10000000000},"streamed":true,"writtenBy":"worker"}');
CREATE TABLE ranked_sets (set_id TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "ranked_sets" VALUES('set-1','{"revision":7,"facts":{"taskType":"text_gen","client":"acmelegal","project":"contracts","reflex":"summarise","priority":"normal","dataClass":"sensitive","model":"gpt-4","input":["text"],"output":["text"],"needs":[],"inputTokens":128,"maxOutputTokens":0},"dataClass":"sensitive","candidates":[{"model":"gpt-4","why":"route:primary"}],"exclusions":[],"notes":[],"scheduleEdgeMs":2000000,"validUntilMs":1005000,"decidedAtMs":945000,"waitMs":200}');
CREATE TABLE store_schema (kind TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
INSERT INTO "store_schema" VALUES('calls',1);
CREATE INDEX calls_by_time ON calls(started_at_ms);
CREATE INDEX calls_by_client ON calls(client, started_at_ms);
CREATE INDEX calls_by_model ON calls(model, started_at_ms);
CREATE INDEX calls_by_task ON calls(task_id);
CREATE INDEX calls_by_decision ON calls(decision_id);
CREATE INDEX intents_by_deadline ON intents(deadline_ms);
CREATE INDEX decisions_by_task ON decisions(task_id, at_ms);
COMMIT;
