-- The backend's database, with a queue whose figures the test knows.
CREATE DATABASE proxy_system CHARACTER SET utf8mb4;
USE proxy_system;

CREATE TABLE users (
  id INT PRIMARY KEY,
  username VARCHAR(64) NOT NULL UNIQUE,
  role ENUM('user', 'admin') NOT NULL,
  salt VARCHAR(32) NOT NULL,
  password_hash CHAR(64) NOT NULL
);

CREATE TABLE task_queue (
  id INT PRIMARY KEY AUTO_INCREMENT,
  user_id INT NOT NULL,
  status ENUM('queued', 'processing', 'completed', 'failed') NOT NULL,
  created_at DATETIME(3) NOT NULL,
  started_at DATETIME(3)
);

CREATE TABLE queue_config (
  config_key VARCHAR(64) PRIMARY KEY,
  config_value VARCHAR(255) NOT NULL
);

INSERT INTO users VALUES
  (1, 'ops', 'admin', 'a1', SHA2(CONCAT('a1', 'ops-password-for-the-test'), 256)),
  (17, 'clerk', 'user', 'b2', SHA2(CONCAT('b2', 'clerk-password-for-the-test'), 256));

INSERT INTO queue_config VALUES
  ('system_max_concurrent', '60'), ('user_max_concurrent', '3'), ('max_queue_length', '200'), ('task_timeout', '600');

SET @now = '2026-11-21 09:30:00.000';
INSERT INTO task_queue (user_id, status, created_at) SELECT 17, 'queued', @now FROM seq_1_to_12;
INSERT INTO task_queue (user_id, status, created_at, started_at)
  SELECT IF(seq = 3, 42, 17), 'processing', @now, @now + INTERVAL 8.75 SECOND FROM seq_1_to_3;
INSERT INTO task_queue (user_id, status, created_at, started_at)
  SELECT 17, 'completed', @now, @now + INTERVAL 8.75 SECOND FROM seq_1_to_980;
INSERT INTO task_queue (user_id, status, created_at, started_at)
  SELECT 42, 'failed', @now, @now + INTERVAL 8.75 SECOND FROM seq_1_to_5;

CREATE USER 'proxy'@'localhost' IDENTIFIED BY 'proxy-password-for-the-test';
CREATE USER 'proxy'@'127.0.0.1' IDENTIFIED BY 'proxy-password-for-the-test';
GRANT SELECT ON proxy_system.* TO 'proxy'@'localhost';
GRANT SELECT ON proxy_system.* TO 'proxy'@'127.0.0.1';
