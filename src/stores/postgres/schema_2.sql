-- Version 2. Where the blobs are that the rows refer to; NULL before the first server has said so.

ALTER TABLE identity ADD COLUMN blobs text;
