-- The life of an account: it is suspended and restored, and its e-mail address changes.

-- The address that a link was mailed to: the account gets it when the link is followed.
ALTER TABLE "account_token" ADD COLUMN "email" TEXT;
ALTER TABLE "account_token" ADD CONSTRAINT account_token_email CHECK ((purpose = 'EMAIL') = (email IS NOT NULL));

ALTER TABLE "session" DROP CONSTRAINT session_revoked_because;
ALTER TABLE "session" ADD CONSTRAINT session_revoked_because CHECK (
  revoked_because IN ('LOGGED_OUT', 'REVOKED', 'PASSWORD_CHANGED', 'EMAIL_CHANGED', 'TOKEN_USED_TWICE', 'SUSPENDED'));

-- With what it signed in before: an erasure finds by it what is left there.
ALTER TABLE "account" ADD COLUMN "former_emails" JSONB NOT NULL DEFAULT '[]';
GRANT UPDATE (former_emails) ON "account" TO cadre_system;

-- A member's address follows that of their account.
GRANT UPDATE (email, email_normalised) ON "member" TO cadre_system;

-- What outlives a key must not be done by the key of somebody who was suspended a moment ago, and an owner who is suspended
-- is no owner whom a workspace has left. It tells nothing but whether the account is active, and holds it.
SET ROLE cadre_system;
CREATE FUNCTION cadre_sessions.lock_account(account uuid) RETURNS boolean
  LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
BEGIN
  PERFORM FROM public.account a WHERE a.id = lock_account.account AND a.status = 'ACTIVE' FOR SHARE;
  RETURN FOUND;
END
$$;
REVOKE ALL ON FUNCTION cadre_sessions.lock_account(uuid) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cadre_sessions.lock_account(uuid) TO cadre_app;
RESET ROLE;
