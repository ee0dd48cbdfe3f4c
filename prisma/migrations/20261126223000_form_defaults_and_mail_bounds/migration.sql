-- How often anybody is invited by mail is counted by a digest of their address, for all workspaces together: in the transaction
-- that invites, so that what is rolled back was not counted. It says for how many milliseconds it has been too often; null
-- where it has not.
CREATE SCHEMA cadre_mails AUTHORIZATION cadre_system;
SET ROLE cadre_system;
CREATE FUNCTION cadre_mails.count_invite(address text, most integer, now_ms double precision, window_ms double precision) RETURNS double precision
  LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog AS $$
  INSERT INTO public.sign_in_attempt AS counted (key, points, expire)
    VALUES ('invite:' || count_invite.address, 1, count_invite.now_ms + count_invite.window_ms)
    ON CONFLICT (key) DO UPDATE SET
      points = CASE WHEN counted.expire <= count_invite.now_ms THEN 1 ELSE counted.points + 1 END,
      expire = CASE WHEN counted.expire <= count_invite.now_ms THEN excluded.expire ELSE counted.expire END
    RETURNING CASE WHEN counted.points > count_invite.most THEN counted.expire - count_invite.now_ms END
$$;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cadre_mails FROM PUBLIC;
GRANT USAGE ON SCHEMA cadre_mails TO cadre_app;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cadre_mails TO cadre_app;
RESET ROLE;

-- A form keeps the limits that are its own; what is as it was for every form is as the workspace has it from now on.
UPDATE "form" SET "limits" = (
  SELECT coalesce(jsonb_object_agg(key, value), '{}')
    FROM jsonb_each("form"."limits")
   WHERE NOT '{"perAddressPerHour": 10, "perEmailPerHour": 5, "minimumTimeMs": 1500, "duplicateWindowMinutes": 5, "honeypot": "subject_line"}'::jsonb
         @> jsonb_build_object(key, value)
);
