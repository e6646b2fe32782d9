# Put into the assessment's own .rb file on Autolab: sends along whose a
# submission is and when it was handed in, which a job is not told otherwise.
# autograder/platforms/run_grader.py reads it.
require "json"

module Kvlab
  def autogradeInputFiles(ass_dir, assessment, submission)
    # Of a group one submission is graded, which counts for all its members.
    members = [submission]
    unless submission.group_key.to_s.empty?
      members += submission.group_associated_submissions
    end
    file = submission.handin_file_path + ".json"
    File.write(file, JSON.generate(
      "emails" => members.map { |member| member.course_user_datum.email },
      "created_at" => submission.created_at.iso8601))
    [{ "localFile" => submission.handin_file_path,
       "remoteFile" => submission.handin_file_long_filename,
       "destFile" => assessment.handin_filename },
     { "localFile" => File.join(ass_dir, "autograde-Makefile"),
       "destFile" => "Makefile" },
     { "localFile" => File.join(ass_dir, "autograde.tar"),
       "destFile" => "autograde.tar" },
     { "localFile" => file,
       "remoteFile" => File.basename(file),
       "destFile" => "submission_metadata.json" }]
  end
end
