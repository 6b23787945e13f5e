BEGIN TRANSACTION;
CREATE TABLE revisions (
       revision INTEGER PRIMARY KEY,
       author TEXT NOT NULL,
       note TEXT NOT NULL,
       at_ms INTEGER NOT NULL,
       is_published INTEGER NOT NULL
     ) STRICT;
INSERT INTO "revisions" VALUES(1,'ada','why',5,0);
INSERT INTO "revisions" VALUES(2,'ada','why',5,0);
CREATE TABLE store (incarnation TEXT NOT NULL) STRICT;
INSERT INTO "store" VALUES('41d669b3-69ad-49da-8f22-5f04cda16137');
CREATE TABLE store_schema (kind TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
INSERT INTO "store_schema" VALUES('documents',1);
CREATE TABLE versions (
       kind TEXT NOT NULL,
       slug TEXT NOT NULL,
       revision INTEGER NOT NULL REFERENCES revisions(revision),
       body TEXT,
       PRIMARY KEY (kind, slug, revision)
     ) STRICT, WITHOUT ROWID;
INSERT INTO "versions" VALUES('route','code',1,'{"name":"code","slug":"code","steps":[{"step":"primary","model":"old"}]}');
INSERT INTO "versions" VALUES('route','code',2,'{"name":"code","slug":"code","steps":[{"step":"primary","model":"new"}]}');
CREATE INDEX revisions_unpublished ON revisions(revision) WHERE NOT is_published;
COMMIT;
