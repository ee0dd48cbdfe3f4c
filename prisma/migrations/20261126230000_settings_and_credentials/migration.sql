-- What a workspace has set otherwise than by default, and the version of that.
ALTER TABLE "workspace"
  ADD COLUMN "settings" JSONB NOT NULL DEFAULT '{}',
  ADD COLUMN "settings_version" INTEGER NOT NULL DEFAULT 1;
ALTER TABLE "workspace" ADD CONSTRAINT workspace_settings CHECK (jsonb_typeof(settings) = 'object');

-- The mail server of a workspace's own. Its password is a credential.
CREATE TABLE "mail_server" (
  "workspace_id" UUID NOT NULL,
  "host" TEXT NOT NULL,
  "port" INTEGER NOT NULL,
  "security" TEXT NOT NULL,
  "username" TEXT,
  "from_address" TEXT,
  "connected_at" TIMESTAMPTZ(3) NOT NULL,
  "last_used_at" TIMESTAMPTZ(3),
  "last_error" TEXT,
  CONSTRAINT "mail_server_pkey" PRIMARY KEY ("workspace_id"),
  CONSTRAINT mail_server_port CHECK (port BETWEEN 1 AND 65535),
  CONSTRAINT mail_server_security CHECK (security IN ('TLS', 'STARTTLS', 'NONE'))
);

-- What a workspace trusts us with, sealed: `sealed` by a key of its own, which is `wrapped_key`, itself sealed by the server's
-- key of the name `key_id`. Neither opens in another workspace or for another purpose.
CREATE TABLE "credential" (
  "workspace_id" UUID NOT NULL,
  "purpose" TEXT NOT NULL,
  "key_id" TEXT NOT NULL,
  "wrapped_key" BYTEA NOT NULL,
  "sealed" BYTEA NOT NULL,
  "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
  CONSTRAINT "credential_pkey" PRIMARY KEY ("workspace_id", "purpose"),
  CONSTRAINT credential_purpose CHECK (purpose IN ('MAIL_SERVER'))
);

ALTER TABLE "mail_server" ADD CONSTRAINT "mail_server_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "credential" ADD CONSTRAINT "credential_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

DO $$
DECLARE
  tenant_table text;
BEGIN
  FOREACH tenant_table IN ARRAY ARRAY['mail_server', 'credential'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', tenant_table);
    EXECUTE format(
      'CREATE POLICY tenant ON %I USING (workspace_id = (SELECT nullif(current_setting(''app.workspace_id'', true), '''')::uuid))',
      tenant_table
    );
  END LOOP;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON "mail_server", "credential" TO cadre_app;

-- Which credentials are sealed by which key of the server, and nothing of what they hold.
CREATE POLICY system ON "credential" FOR SELECT TO cadre_system USING (true);
GRANT SELECT (workspace_id, purpose, key_id) ON "credential" TO cadre_system;
