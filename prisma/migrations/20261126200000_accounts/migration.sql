-- People who sign in: their accounts, sessions and invites.
CREATE TABLE "account" (
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "email_folded" TEXT NOT NULL,
    "email_verified_at" TIMESTAMPTZ(3),
    "name" TEXT NOT NULL,
    "password_hash" TEXT,
    "password_changed_at" TIMESTAMPTZ(3),
    "status" TEXT NOT NULL DEFAULT 'ACTIVE',
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_pkey" PRIMARY KEY ("id"),
    CONSTRAINT account_status CHECK (status IN ('ACTIVE', 'SUSPENDED'))
);

CREATE TABLE "account_identity" (
    "issuer" TEXT NOT NULL,
    "subject" TEXT NOT NULL,
    "account_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "account_identity_pkey" PRIMARY KEY ("issuer","subject")
);

CREATE TABLE "session" (
    "id" UUID NOT NULL,
    "account_id" UUID NOT NULL,
    "kind" TEXT NOT NULL,
    "workspace_id" UUID,
    "cookie_hash" TEXT,
    "user_agent" TEXT,
    "address" TEXT,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "last_used_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "revoked_at" TIMESTAMPTZ(3),
    "revoked_because" TEXT,

    CONSTRAINT "session_pkey" PRIMARY KEY ("id"),
    CONSTRAINT session_kind CHECK (kind IN ('BROWSER', 'PROGRAM')),
    CONSTRAINT session_cookie CHECK ((kind = 'BROWSER') = (cookie_hash IS NOT NULL)),
    CONSTRAINT session_revoked CHECK ((revoked_at IS NULL) = (revoked_because IS NULL)),
    CONSTRAINT session_revoked_because CHECK (
      revoked_because IN ('LOGGED_OUT', 'REVOKED', 'PASSWORD_CHANGED', 'TOKEN_USED_TWICE', 'SUSPENDED'))
);

CREATE TABLE "refresh_token" (
    "hash" TEXT NOT NULL,
    "session_id" UUID NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "refresh_token_pkey" PRIMARY KEY ("hash")
);

CREATE TABLE "account_token" (
    "hash" TEXT NOT NULL,
    "account_id" UUID NOT NULL,
    "purpose" TEXT NOT NULL,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "used_at" TIMESTAMPTZ(3),

    CONSTRAINT "account_token_pkey" PRIMARY KEY ("hash"),
    CONSTRAINT account_token_purpose CHECK (purpose IN ('PASSWORD_RESET', 'EMAIL'))
);

-- The columns and their order are those of rate-limiter-flexible, which counts milliseconds with plain numbers.
CREATE TABLE "sign_in_attempt" (
    "key" TEXT NOT NULL,
    "points" INTEGER NOT NULL DEFAULT 0,
    "expire" DOUBLE PRECISION,

    CONSTRAINT "sign_in_attempt_pkey" PRIMARY KEY ("key")
);

CREATE TABLE "invite" (
    "workspace_id" UUID NOT NULL,
    "id" UUID NOT NULL,
    "email" TEXT NOT NULL,
    "email_folded" TEXT NOT NULL,
    "role" TEXT NOT NULL,
    "token_hash" TEXT NOT NULL,
    "invited_by_member_id" UUID,
    "accepted_by_member_id" UUID,
    "expires_at" TIMESTAMPTZ(3) NOT NULL,
    "accepted_at" TIMESTAMPTZ(3),
    "revoked_at" TIMESTAMPTZ(3),
    "version" INTEGER NOT NULL DEFAULT 1,
    "created_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updated_at" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "invite_pkey" PRIMARY KEY ("workspace_id","id"),
    CONSTRAINT invite_role CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
    CONSTRAINT invite_accepted CHECK ((accepted_at IS NULL) = (accepted_by_member_id IS NULL)),
    CONSTRAINT invite_ended CHECK (accepted_at IS NULL OR revoked_at IS NULL)
);

ALTER TABLE "member" ADD COLUMN "account_id" UUID;

CREATE UNIQUE INDEX "account_email_folded_key" ON "account"("email_folded");
CREATE INDEX "account_identity_account_id_idx" ON "account_identity"("account_id");
CREATE UNIQUE INDEX "session_cookie_hash_key" ON "session"("cookie_hash");
CREATE INDEX "session_account_id_created_at_idx" ON "session"("account_id", "created_at");
CREATE INDEX "session_expires_at_idx" ON "session"("expires_at");
CREATE INDEX "session_workspace_id_idx" ON "session"("workspace_id");
CREATE INDEX "refresh_token_session_id_idx" ON "refresh_token"("session_id");
CREATE INDEX "account_token_account_id_idx" ON "account_token"("account_id");
CREATE INDEX "account_token_expires_at_idx" ON "account_token"("expires_at");
CREATE UNIQUE INDEX "invite_token_hash_key" ON "invite"("token_hash");
CREATE INDEX "invite_workspace_id_created_at_id_idx" ON "invite"("workspace_id", "created_at", "id");
CREATE INDEX "invite_workspace_id_invited_by_member_id_idx" ON "invite"("workspace_id", "invited_by_member_id");
CREATE INDEX "member_account_id_idx" ON "member"("account_id");
-- One invite that can be accepted, and one member, for each person; what is over does not stand in the way.
CREATE UNIQUE INDEX invite_open ON "invite" (workspace_id, email_folded) WHERE accepted_at IS NULL AND revoked_at IS NULL;
DROP INDEX "member_workspace_id_email_normalised_key";
CREATE UNIQUE INDEX member_present ON "member" (workspace_id, email_normalised) WHERE removed_at IS NULL;
CREATE UNIQUE INDEX member_present_account ON "member" (workspace_id, account_id) WHERE removed_at IS NULL;

ALTER TABLE "account_identity" ADD CONSTRAINT "account_identity_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "session" ADD CONSTRAINT "session_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "session" ADD CONSTRAINT "session_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE SET NULL ON UPDATE CASCADE;
ALTER TABLE "refresh_token" ADD CONSTRAINT "refresh_token_session_id_fkey" FOREIGN KEY ("session_id") REFERENCES "session"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "account_token" ADD CONSTRAINT "account_token_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE "invite" ADD CONSTRAINT "invite_workspace_id_fkey" FOREIGN KEY ("workspace_id") REFERENCES "workspace"("id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "invite" ADD CONSTRAINT "invite_workspace_id_invited_by_member_id_fkey" FOREIGN KEY ("workspace_id", "invited_by_member_id") REFERENCES "member"("workspace_id", "id") ON DELETE RESTRICT ON UPDATE CASCADE;
ALTER TABLE "member" ADD CONSTRAINT "member_account_id_fkey" FOREIGN KEY ("account_id") REFERENCES "account"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- ------------------------------------------------------------------ who may see what
-- Rows of no workspace: nobody but the system.
ALTER TABLE "account" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "account_identity" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "session" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "refresh_token" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "account_token" ENABLE ROW LEVEL SECURITY;
ALTER TABLE "sign_in_attempt" ENABLE ROW LEVEL SECURITY;
CREATE POLICY system ON "sign_in_attempt" TO cadre_system USING (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON "sign_in_attempt" TO cadre_system;
CREATE POLICY system ON "account" TO cadre_system USING (true);
CREATE POLICY system ON "account_identity" TO cadre_system USING (true);
CREATE POLICY system ON "session" TO cadre_system USING (true);
CREATE POLICY system ON "refresh_token" TO cadre_system USING (true);
CREATE POLICY system ON "account_token" TO cadre_system USING (true);
GRANT SELECT, INSERT,
  UPDATE (email, email_folded, email_verified_at, name, password_hash, password_changed_at, status, updated_at)
  ON "account" TO cadre_system;
GRANT SELECT, INSERT, DELETE ON "account_identity" TO cadre_system;
GRANT SELECT, INSERT, UPDATE (workspace_id, last_used_at, expires_at, revoked_at, revoked_because), DELETE ON "session" TO cadre_system;
GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON "refresh_token" TO cadre_system;
GRANT SELECT, INSERT, UPDATE (used_at), DELETE ON "account_token" TO cadre_system;

ALTER TABLE "invite" ENABLE ROW LEVEL SECURITY;
CREATE POLICY tenant ON "invite" USING (workspace_id = (SELECT nullif(current_setting('app.workspace_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE ON "invite" TO cadre_app;

-- What an account does is one transaction, also where it founds a workspace or joins one, and that is the system's: a
-- request never sees an account's rows.
CREATE POLICY system ON "invite" TO cadre_system USING (true);
GRANT SELECT, UPDATE (accepted_by_member_id, accepted_at, version, updated_at) ON "invite" TO cadre_system;
DROP POLICY system ON "member";
CREATE POLICY system ON "member" TO cadre_system USING (true);
GRANT SELECT (account_id, name, email_normalised, version), INSERT, UPDATE (account_id, version, updated_at) ON "member" TO cadre_system;
-- The update is for the lock that changes of members are made under.
GRANT INSERT, UPDATE (updated_at) ON "workspace" TO cadre_system;
GRANT INSERT ON "event_outbox" TO cadre_system;
GRANT SELECT, INSERT ON "idempotency_claim" TO cadre_system;

-- A verb that must not be done by somebody who was signed out a moment ago asks this in its own transaction: the session is
-- held until that ends. It tells nothing but whether it stands.
CREATE SCHEMA cadre_sessions AUTHORIZATION cadre_system;
SET ROLE cadre_system;
CREATE FUNCTION cadre_sessions.lock_session(session uuid, account uuid) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM FROM public.session s
    WHERE s.id = lock_session.session AND s.account_id = lock_session.account AND s.revoked_at IS NULL AND s.expires_at > now()
    FOR SHARE;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  PERFORM FROM public.account a WHERE a.id = lock_session.account AND a.status = 'ACTIVE' FOR SHARE;
  RETURN FOUND;
END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cadre_sessions FROM PUBLIC;
GRANT USAGE ON SCHEMA cadre_sessions TO cadre_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cadre_sessions TO cadre_app;
RESET ROLE;
