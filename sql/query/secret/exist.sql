-- Whether anything is sealed.
SELECT EXISTS (SELECT FROM hectic.secret_sealed) AS found
